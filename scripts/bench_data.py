"""`lfw build-data` against the tutorial's script and convmerge, on the same rows, in the same run.

Makes a JSON array in the tutorial's shape by repeating the rows of a medical CSV (department, title, ask, answer)
with a suffix, then runs every contender in a process of its own and prints seconds, seconds of computing (of all
processes and cores together), rows a second, the peak memory of all its processes together, and the ratio to the
tutorial's script. The contenders take turns, so that a slow minute of the machine is everybody's; each run writes
into a new folder; memory is looked at in a round of its own, for looking costs time.

    python scripts/bench_data.py CSV                              # 40 copies of its rows
    python scripts/bench_data.py CSV --only plain --tenfold       # and ten times as many, with the ratio of times
    python scripts/bench_data.py CSV --convmerge venv/bin/convmerge
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ENCODINGS = ("utf-8-sig", "gb18030")
OUT = "out"

# The steps of the tutorial's own script: read everything, shuffle, loop, write with jsonlines.
TUTORIAL = """
import json, random, sys, jsonlines
random.seed(42)
with open(sys.argv[1], encoding="utf-8") as file:
    rows = json.load(file)
random.shuffle(rows)
made = []
for row in rows:
    question = "主题:{}\\n内容:{}".format(row["instruction"], row["input"])
    made.append({"instruction": question, "input": "", "output": row["output"]})
with jsonlines.open(sys.argv[2] + "/tutorial.jsonl", "w") as out:
    for row in made:
        out.write(row)
"""
OFF = (
    "repair: false, clean: false, thoughts: keep, special_tokens: keep, turns: false, redact: false, "
    "deduplicate: false, leaks: false, shuffle: false"
)


@dataclass(frozen=True)
class Contender:
    name: str
    command: list[str]


@dataclass(frozen=True)
class Result:
    seconds: float
    computing: float
    megabytes: float
    """0 where nobody looked."""


def make_rows(source: Path, target: Path, copies: int) -> int:
    """Writes the array row by row; returns how many rows it has."""
    for encoding in ENCODINGS:
        try:
            with source.open(encoding=encoding, newline="") as file:
                rows = list(csv.DictReader(file))
            break
        except UnicodeDecodeError:
            continue
    else:
        raise SystemExit(f"{source} is neither UTF-8 nor GB18030")
    with target.open("w", encoding="utf-8") as file:
        for copy in range(copies):
            for place, row in enumerate(rows):
                made = {
                    "instruction": row["title"],
                    "input": f"{row['ask']}（{copy}）",
                    "output": row["answer"],
                    "history": None,
                }
                file.write(("[" if copy == place == 0 else ", ") + json.dumps(made, ensure_ascii=False))
        file.write("]")
    return copies * len(rows)


def contenders(rows: Path, work: Path, workers: list[int], convmerge: str | None) -> list[Contender]:
    (work / "tutorial.py").write_text(TUTORIAL, encoding="utf-8")
    (work / "off.yaml").write_text(f"datasets: {{plain: {{source: {rows.name}, test: 0, {OFF}}}}}", encoding="utf-8")
    (work / "on.yaml").write_text(f"datasets: {{full: {{source: {rows.name}, test: 100}}}}", encoding="utf-8")
    lfw = [sys.executable, "-m", "lf_wrap", "build-data"]
    made = [Contender("the tutorial's script", [sys.executable, "tutorial.py", rows.name, OUT])]
    for steps, title in (("off", "lfw, plain conversion"), ("on", "lfw, every step on")):
        for count in workers:
            options = [f"{steps}.yaml", "--out", OUT, "--workers", str(count)]
            made.append(Contender(f"{title}, {count} worker{'s' * (count > 1)}", [*lfw, *options]))
    if convmerge:
        lines = work / "rows.jsonl"
        with lines.open("w", encoding="utf-8") as out:  # it reads JSON Lines only
            for row in json.loads(rows.read_bytes()):
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
        convert = ["convert", "-i", lines.name, "-o", f"{OUT}/c1.jsonl", "--from", "alpaca", "--format", "alpaca"]
        dedupe = ["dedupe", "-i", lines.name, "-o", f"{OUT}/c2.jsonl", "--near"]
        made.append(Contender("convmerge convert", [convmerge, *convert]))
        made.append(Contender("convmerge dedupe --near", [convmerge, *dedupe]))
    return made


def run(contender: Contender, work: Path, *, watched: bool) -> Result:
    """Runs it once; its memory is looked at if it is `watched`."""
    shutil.rmtree(work / OUT, ignore_errors=True)
    (work / OUT).mkdir()
    os.sync()  # what others have written is not to be this one's to wait for
    # An installed package has its bytecode beside it; a tree that may not write it would be compiled in every run.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began, computed, megabytes = time.monotonic(), _computed(), 0.0
    child = subprocess.Popen(
        contender.command, cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while watched and child.poll() is None:
        megabytes = max(megabytes, sum(map(_megabytes, _family(child.pid))))
        time.sleep(0.02)
    _, errors = child.communicate()
    seconds = time.monotonic() - began
    if child.returncode:
        raise SystemExit(f"{contender.name} failed:\n{errors.decode()[-2000:]}")
    return Result(seconds, _computed() - computed, megabytes)


def _computed() -> float:
    """The seconds of computing of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [pid, *(member for child in children for member in _family(int(child)))]


def _megabytes(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return 0.0  # it has just ended
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--copies", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of each contender; the fastest counts")
    parser.add_argument(
        "--only", default="", help="only contenders whose name contains this (the tutorial always runs)"
    )
    parser.add_argument(
        "--tenfold", action="store_true", help="then lfw once more on ten times the rows (2.3 GB, and as much again)"
    )
    parser.add_argument("--convmerge", metavar="PATH", help="the convmerge to run; the one beside this Python")
    options = parser.parse_args()
    options.convmerge = options.convmerge or shutil.which("convmerge", path=str(Path(sys.executable).parent))
    once = measured(options, options.copies)
    if options.tenfold:
        options.convmerge, options.rounds = None, 1
        ten_times = measured(options, 10 * options.copies, tutorial=False)
        print("\nten times the rows cost")
        for name, result in ten_times.items():
            times, computing = result.seconds / once[name].seconds, result.computing / once[name].computing
            print(f"{name:36} {times:5.2f}× the time, {computing:5.2f}× the computing")


def measured(options: argparse.Namespace, copies: int, *, tutorial: bool = True) -> dict[str, Result]:
    """The fastest round of each contender that is wanted, by its name, with the memory of the round before all."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        work = Path(folder)
        count = make_rows(options.csv, work / "rows.json", copies)
        print(f"{count:,} rows, {(work / 'rows.json').stat().st_size / 1e6:,.0f} MB, {os.cpu_count()} cores")
        first, *others = contenders(work / "rows.json", work, [1, os.cpu_count() or 1], options.convmerge)
        wanted = [first] * tutorial + [other for other in others if options.only in other.name]
        memory = {one.name: run(one, work, watched=True).megabytes for one in wanted}
        rounds = [{one.name: run(one, work, watched=False) for one in wanted} for _ in range(options.rounds)]
    print(f"{'':36} {'seconds':>8} {'computing':>9} {'rows/s':>10} {'MB':>6} {'speed':>8}  in every round")
    best = {}
    for one in wanted:
        name = one.name
        fastest = best[name] = min((round_[name] for round_ in rounds), key=lambda result: result.seconds)
        told = f"{fastest.seconds:8.2f} {fastest.computing:9.2f} {count / fastest.seconds:10,.0f} {memory[name]:6.0f}"
        if tutorial:
            told += f" {best[first.name].seconds / fastest.seconds:7.2f}× "
            told += "".join(f" {round_[first.name].seconds / round_[name].seconds:.2f}" for round_ in rounds)
        print(f"{name:36} {told}")
    return best


if __name__ == "__main__":
    main()
