"""A build that is killed leaves the old dataset or the new one; several at once leave a whole register."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from lf_wrap.dataset import DatasetSpec, build, conversations, files_in
from lf_wrap.dataset.commit import ENTRIES, READY, finish_interrupted
from lf_wrap.files import content_hash

BUILD_FOREVER = """
import sys
from pathlib import Path
from lf_wrap.dataset import DatasetSpec, build
SHARD_MB = {"A": 1, "B": 0.01}
print("ready", flush=True)
while True:
    for version in "AB":
        build({"d": DatasetSpec(source=f"{version}.json", test=20, shard_mb=SHARD_MB[version])}, Path("out"))
"""


def write_version(folder: Path, version: str) -> None:
    rows = [{"instruction": f"问{n}", "input": "", "output": f"{version}{n}"} for n in range(300)]
    (folder / f"{version}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def versions(out: Path) -> set[str]:
    """Which version each file of the dataset is of, found by its content."""
    found = set()
    for name in ("d", "d_test"):
        found |= {row.answer[0] for row in conversations(out, name)}
    card = json.loads((out / "d.card.json").read_text(encoding="utf-8"))
    found.add(card["sources"][0]["file"][-6])
    for kind in ("train", "test"):
        assert content_hash(out / Path(card["files"][kind]).name) == card["hashes"][kind]
    assert len(list(out.glob("d_train*"))) == 1, "a file has gone where a folder came, or the other way round"
    return found


def is_alive(process: str) -> bool:
    """Whether there is such a process; one that nobody has asked for its end (Z) is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_readers_finish_what_was_ready_when_its_build_was_killed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for version in "AB":
        write_version(tmp_path, version)
    build({"d": DatasetSpec(source=str(tmp_path / "B.json"), test=20)}, tmp_path / "new")
    build({"d": DatasetSpec(source=str(tmp_path / "A.json"), test=20)}, out)
    ready = out / f"{READY}1"
    ready.mkdir()
    for file in (tmp_path / "new").glob("d*"):
        file.rename(ready / file.name)
    entries = json.loads((out / "dataset_info.json").read_bytes())
    (ready / ENTRIES).write_text(json.dumps({"entries": entries, "gone": []}), encoding="utf-8")
    (ready / "d_train.jsonl").replace(out / "d_train.jsonl")  # as far as the killed build came
    assert {row.answer[0] for row in conversations(out, "d_test")} == {"B"}
    assert versions(out) == {"B"}
    assert not ready.exists()


def test_kill_9_at_any_moment_leaves_one_whole_version(tmp_path: Path) -> None:
    for version in "AB":
        write_version(tmp_path, version)
    build({"d": DatasetSpec(source=str(tmp_path / "A.json"), test=20)}, tmp_path / "out")
    moments = random.Random(3)
    for _ in range(15):
        command = [sys.executable, "-c", BUILD_FOREVER]
        child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(moments.uniform(0.05, 0.4))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        register = json.loads((tmp_path / "out/dataset_info.json").read_bytes())
        assert set(register) == {"d", "d_test"}
        for entry in register.values():
            files = files_in(tmp_path / "out" / entry["file_name"])
            lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
            assert len({json.loads(line)["output"][0] for line in lines}) == 1, "a file is never half of one"
        finish_interrupted(tmp_path / "out")
        assert len(versions(tmp_path / "out")) == 1
    build({"d": DatasetSpec(source=str(tmp_path / "B.json"), test=20)}, tmp_path / "out")
    assert versions(tmp_path / "out") == {"B"}


def test_a_killed_build_takes_its_workers_with_it_and_the_next_removes_what_it_left(tmp_path: Path) -> None:
    write_version(tmp_path, "A")
    script = """
import os, time
from pathlib import Path
from lf_wrap.dataset import DatasetSpec, build
def tell(name, rows):
    print(*Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split(), flush=True)
    time.sleep(60)
build({"d": DatasetSpec(source="A.json")}, Path("out"), workers=2, on_rows=tell)
"""
    child = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    workers = child.stdout.readline().split()
    assert len(workers) == 2
    build({"e": DatasetSpec(source=str(tmp_path / "A.json"))}, tmp_path / "out")
    assert len(list((tmp_path / "out").glob(".building.*/"))) == 1, "one that is alive is left alone"
    child.kill()
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + 20
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, workers))
    build({"e": DatasetSpec(source=str(tmp_path / "A.json"))}, tmp_path / "out")
    assert not list((tmp_path / "out").glob(".b*/"))


def test_many_builds_at_once_register_every_dataset(tmp_path: Path) -> None:
    write_version(tmp_path, "A")
    command = [sys.executable, "-m", "lf_wrap", "build-data", "A.json", "--name"]
    children = [
        subprocess.Popen([*command, f"d{number}"], cwd=tmp_path, stdout=subprocess.DEVNULL) for number in range(6)
    ]
    assert [child.wait(60) for child in children] == [0] * 6
    register = json.loads((tmp_path / "dataset_info/dataset_info.json").read_bytes())
    assert set(register) == {f"d{number}{side}" for number in range(6) for side in ("", "_test")}
