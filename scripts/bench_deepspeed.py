"""DeepSpeed on one GPU: does it train, write a checkpoint, and go on after kill -9? Seconds and memory beside plain.

    python scripts/bench_deepspeed.py --model FOLDER --template qwen --dataset med \
        [--ways plain,zero2,zero2_offload,zero3,zero3_offload] [--steps 24] [--set train.bf16=true] [--out FILE]
    python scripts/bench_deepspeed.py --table FILE…

Each way is `lfw run --to train` of full tuning, from where the datasets stand registered. lfw and all it started are
killed four steps after the checkpoint in the middle; the same command is then given again. The memory is what the
driver counts, what torch's allocator keeps for later included. Losses after the kill are held against those before it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import yaml
from bench_scaling import POLL_SECONDS, Watcher, one_by_one

from lf_wrap.pipeline.training_log import LOG

PAST = 4  # steps that are trained beyond the checkpoint before the kill
FOLDER = Path("runs/bench-deepspeed")


def measure(way: str, given: argparse.Namespace) -> dict[str, Any]:
    """One way: killed once, gone on with once."""
    run = FOLDER / way
    shutil.rmtree(run, ignore_errors=True)
    half = given.steps // 2
    train = {"finetuning_type": "full", "learning_rate": 1e-4, "per_device_train_batch_size": 8}
    train |= {"gradient_accumulation_steps": 1, "max_steps": given.steps, "save_steps": half, "logging_steps": 1}
    train |= {} if way == "plain" else {"deepspeed": way}
    recipe = Path(f"bench-deepspeed-{way}.yaml")
    content = {"model": given.model, "template": given.template, "data": {"train": [given.dataset]}, "train": train}
    recipe.write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [sys.executable, "-m", "lf_wrap", "run", str(recipe), "--to=train", f"--run-dir={run}"]
    command += [f"--set={one}" for one in given.set]
    log = run / "weights" / LOG
    hurt = train_until(command, log, half + PAST)
    again = train_until(command, log, None) if "failed" not in hurt else hurt
    if "failed" in again:
        return again
    losses = again["losses"]
    return {
        "seconds_a_step": round(statistics.median(hurt["steps"][2 : half - 1]), 2),
        "seconds_of_the_checkpoint": round(hurt["steps"][half - 1], 1),
        "seconds_to_the_first_step": round(hurt["first"], 1),
        "gone_on_from": half,
        "steps": len(losses),
        "largest_loss_difference": max(abs(losses[step] - loss) for step, loss in hurt["losses"].items()),
        "peak_bytes": max(hurt["peak"], again["peak"]) or None,
        "losses": losses,
    }


def train_until(command: list[str], log: Path, last: int | None) -> dict[str, Any]:
    """Runs `command`; kills its whole family at step `last`. When each step came, and each step's loss."""
    watcher, began = Watcher(log), time.monotonic()
    watcher.start()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while child.poll() is None:
        if last is not None and len(watcher.came) >= last:
            for one in [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            child.wait()
            break
        time.sleep(POLL_SECONDS)
    watcher.over.set()
    watcher.join()
    said = child.stdout.read() if child.stdout else ""
    if (last is None and child.returncode) or (last is not None and len(watcher.came) < last):
        return {"failed": (said.strip().splitlines() or [f"exit {child.returncode}"])[-1][:200]}
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    losses = {line["current_steps"]: line["loss"] for line in lines if line.get("loss") is not None}
    steps = [after - earlier for earlier, after in pairwise(watcher.came)]
    return {"first": watcher.came[0] - began, "steps": steps, "losses": losses, "peak": watcher.peak}


def told(results: dict[str, dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| | s/step | s of a checkpoint | s to the first step | GiB in use | after kill -9 | loss differs by |",
        "|---|" + "---|" * 6,
    ]
    for way, one in results.items():
        if "failed" in one:
            lines.append(f"| {way} | failed: {one['failed']} |" + " |" * 5)
            continue
        memory = f"{one['peak_bytes'] / (1 << 30):.1f}" if one["peak_bytes"] else ""
        seconds = f"{one['seconds_a_step']} | {one['seconds_of_the_checkpoint']} | {one['seconds_to_the_first_step']}"
        went = f"went on from {one['gone_on_from']}, {one['steps']} steps in all"
        lines.append(f"| {way} | {seconds} | {memory} | {went} | {one['largest_loss_difference']:.2g} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--template")
    parser.add_argument("--dataset")
    parser.add_argument("--ways", default="plain,zero2,zero2_offload,zero3,zero3_offload")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="print what --out wrote, and stop")
    given = parser.parse_args()
    if given.table:
        print("\n\n".join(told(json.loads(file.read_text(encoding="utf-8"))) for file in given.table))
        return
    if missing := [name for name in ("model", "template", "dataset") if not getattr(given, name)]:
        parser.error(f"--{missing[0]} is needed")
    os.environ.setdefault("NO_COLOR", "1")
    ways = {way: partial(measure, way, given) for way in given.ways.split(",")}
    one_by_one(ways, told, given.out)


if __name__ == "__main__":
    main()
