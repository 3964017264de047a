"""One recipe on more and more GPUs: tokens/s and what is left of them, start-up, memory beside the estimate.

    python scripts/bench_scaling.py --model FOLDER --template qwen --dataset med \
        --ways lora,lora-zero2,full-zero3 --processes 1,2,4,8 --steps 30 --out FILE
    python scripts/bench_scaling.py --table FILE…
    python scripts/bench_scaling.py --predict --dataset med --batch 16 --processes 2,4,8

Each is `lfw run --to train` with `--gpus` alone changed (without a GPU, processes that share the CPU), from where the
datasets stand registered. The batch of one process is the same everywhere, so that twice the processes do twice the
work a step. Steps are timed as they come into the trainer's log, and the first third of them is warming up; the memory
is what the driver counts as used on the fullest GPU, context and caches included. `--predict` runs nothing: it says
what padding alone will cost, since every process waits for the one whose batch holds the longest row.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.dataset import conversations
from lf_wrap.pipeline.run_folder import RunFolder
from lf_wrap.pipeline.training_log import LOG
from lf_wrap.recipe import choose, detect_hardware, load_recipe
from lf_wrap.recipe.checks import check

WAYS: dict[str, dict[str, Any]] = {
    "lora": {"finetuning_type": "lora", "lora_rank": 8, "learning_rate": 1e-4},
    "lora-packs": {
        "finetuning_type": "lora",
        "lora_rank": 8,
        "learning_rate": 1e-4,
        "neat_packing": True,
        "cutoff_len": 4096,
        "per_device_train_batch_size": 1,
        "enable_liger_kernel": True,
        "disable_gradient_checkpointing": True,
    },
    "lora-zero2": {"finetuning_type": "lora", "lora_rank": 8, "learning_rate": 1e-4, "deepspeed": "zero2"},
    "full-zero2": {"finetuning_type": "full", "learning_rate": 1e-5, "deepspeed": "zero2"},
    "full-zero3": {"finetuning_type": "full", "learning_rate": 1e-5, "deepspeed": "zero3"},
}
POLL_SECONDS = 0.02
MEMORY_SECONDS = 5  # asking the driver may hold up what the GPUs do, so it is asked seldom
EPOCHS = 20  # orders of the rows that a prediction is the mean of


class Watcher(threading.Thread):
    """Notes when each step came into the trainer's log, and the most memory in use on a GPU."""

    def __init__(self, log: Path) -> None:
        super().__init__(daemon=True)
        self.log, self.came, self.peak, self.over = log, list[float](), 0, threading.Event()

    def run(self) -> None:
        looked = 0.0
        while not self.over.wait(POLL_SECONDS):
            lines = self.log.read_bytes().count(b"\n") if self.log.exists() else 0
            self.came += [time.monotonic()] * (lines - len(self.came))
            if time.monotonic() - looked > MEMORY_SECONDS:
                looked, self.peak = time.monotonic(), max(self.peak, memory_in_use())


def memory_in_use() -> int:
    """Bytes on the fullest GPU; 0 where there is none."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return max(map(int, said.split()), default=0) << 20


def measure(way: str, processes: int, given: argparse.Namespace) -> dict[str, Any]:
    """One `lfw run --to train`."""
    recipe = Path(f"bench-scaling-{way}.yaml")
    train = {"max_steps": given.steps, "logging_steps": 1, "save_strategy": "no"}
    train |= {"per_device_train_batch_size": given.batch, "gradient_accumulation_steps": 1} | WAYS[way]
    content = {"model": given.model, "template": given.template, "data": {"train": [given.dataset]}, "train": train}
    recipe.write_text(yaml.safe_dump(content), encoding="utf-8")
    on_gpus = bool(detect_hardware().gpus)
    numbers = ",".join(map(str, range(processes)))
    spread = ["--gpus", numbers] if on_gpus else ["--nproc-per-node", str(processes)]
    folder = Path("runs/bench-scaling") / f"{way}-{processes}"
    shutil.rmtree(folder, ignore_errors=True)  # or an earlier run's log counts as this one's steps
    command = [sys.executable, "-m", "lf_wrap", "run", str(recipe), "--to=train", f"--run-dir={folder}"]
    watcher = Watcher(folder / ("adapter" if "lora" in way else "weights") / LOG)
    watcher.start()
    began = time.monotonic()
    done = subprocess.run(
        [*command, *spread, *(f"--set={one}" for one in given.set)], capture_output=True, text=True, check=False
    )
    watcher.over.set()
    watcher.join()
    if done.returncode or len(watcher.came) < 4:
        return {"failed": (done.stderr.strip().splitlines() or ["no steps"])[-1][:200]}
    settings = yaml.safe_load((folder / "train.yaml").read_text(encoding="utf-8"))
    steady = watcher.came[len(watcher.came) // 3 :]
    a_step = (steady[-1] - steady[0]) / (len(steady) - 1)
    if not a_step:
        return {"failed": f"all steps came within {POLL_SECONDS} s: take more of them"}
    tokens = settings["per_device_train_batch_size"] * processes * tokens_a_row(settings["tokenized_path"])
    chosen = choose(load_recipe(recipe, given.set), detect_hardware(), **_spread(on_gpus, numbers, processes))
    estimate = check(load_recipe(recipe, given.set), recipe, chosen, quick=True).memory
    return {
        "processes": processes,
        "seconds_a_step": round(a_step, 4),
        "tokens_a_second": round(tokens / a_step),
        "seconds_to_the_first_step": round(watcher.came[0] - began, 1),
        "seconds_before_training": {
            event["stage"]: round(event["seconds"], 1)
            for event in RunFolder(folder).events()
            if "seconds" in event and event["stage"] != "train"
        },
        "peak_bytes": watcher.peak or None,
        "estimated_bytes": estimate.needed if estimate else None,
    }


def _spread(on_gpus: bool, numbers: str, processes: int) -> dict[str, Any]:
    return {"gpus": numbers} if on_gpus else {"nproc_per_node": processes}


def tokens_a_row(tokenized: str) -> float:
    """Tokens of an average row or pack, padding not counted."""
    from datasets import load_from_disk

    lengths = [sum(map(bool, mask)) for mask in load_from_disk(tokenized)["train"]["attention_mask"]]
    return statistics.fmean(lengths)


def predicted(dataset_dir: Path, dataset: str, batch: int, processes: list[int]) -> str:
    """The most efficiency that the rows' lengths allow, as a Markdown table.

    A batch costs its rows times its longest row; rows come in a random order, or grouped as transformers'
    LengthGroupedSampler does (sorted within 50 batches). Lengths are in characters: only their ratios count.
    """
    import numpy as np

    lengths = np.array([sum(len(turn.text) for turn in row.turns) for row in conversations(dataset_dir, dataset)])
    lines = ["| processes | rows in a random order | rows grouped by length |", "|---|---|---|"]
    for many in processes:
        shares = []
        for grouped in (False, True):
            busy = waited = 0.0
            for seed in range(EPOCHS):
                order = np.random.default_rng(seed).permutation(len(lengths))
                if grouped:
                    parts = np.split(order, range(50 * batch, len(order), 50 * batch))
                    order = np.concatenate([part[np.argsort(-lengths[part], kind="stable")] for part in parts])
                whole = len(order) // (batch * many) * batch * many
                longest = lengths[order[:whole]].reshape(-1, many, batch).max(axis=2)
                busy, waited = busy + longest.mean(axis=1).sum(), waited + longest.max(axis=1).sum()
            shares.append(busy / waited)
        lines.append(f"| {many} | {shares[0]:.0%} | {shares[1]:.0%} |")
    return "\n".join(lines)


def told(results: dict[str, dict[str, Any]]) -> str:
    """The results as a Markdown table; efficiency is against the fewest processes that the way was run with."""
    lines = [
        "| | s/step | tokens/s | efficiency | s to the first step | peak GiB a GPU | estimated GiB |",
        "|---|" + "---|" * 6,
    ]
    fewest: dict[str, dict[str, Any]] = {}
    for name, one in results.items():
        if "failed" in one:
            lines.append(f"| {name} | failed: {one['failed']} |" + " |" * 5)
            continue
        first = fewest.setdefault(name.rpartition(" × ")[0], one)
        share = one["tokens_a_second"] / one["processes"] / (first["tokens_a_second"] / first["processes"])
        gib = [f"{one[key] / (1 << 30):.1f}" if one[key] else "" for key in ("peak_bytes", "estimated_bytes")]
        figures = f"{one['seconds_a_step']:.3f} | {one['tokens_a_second']:,} | {share:.0%}"
        lines.append(f"| {name} | {figures} | {one['seconds_to_the_first_step']:.0f} | {gib[0]} | {gib[1]} |")
    return "\n".join(lines)


def one_by_one(
    measures: Mapping[str, Callable[[], dict[str, Any]]],
    told: Callable[[dict[str, dict[str, Any]]], str],
    out: Path | None,
) -> None:
    """Measures one after the other; each is told, and kept in `out`, as soon as it is there."""
    results: dict[str, dict[str, Any]] = {}
    for name, measure_it in measures.items():
        results[name] = measure_it()
        print(told(results).splitlines()[-1], flush=True)
        if out:
            out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print("\n" + told(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--template")
    parser.add_argument("--dataset")
    parser.add_argument("--ways", default="lora", help=", ".join(WAYS))
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--batch", type=int, default=8, help="rows or packs of one process in a step")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--dataset-dir", type=Path, default=Path("dataset_info"), help="with --predict")
    parser.add_argument("--predict", action="store_true", help="what the rows' lengths allow at most; runs nothing")
    parser.add_argument("--table", type=Path, nargs="+", metavar="FILE", help="print what --out wrote, and stop")
    given = parser.parse_args()
    if given.table:
        print("\n\n".join(told(json.loads(file.read_text(encoding="utf-8"))) for file in given.table))
        return
    processes = [int(many) for many in given.processes.split(",")]
    if given.predict and given.dataset:
        print(predicted(given.dataset_dir, given.dataset, given.batch, processes))
        return
    if missing := [name for name in ("model", "template", "dataset") if not getattr(given, name)]:
        parser.error(f"--{missing[0]} is needed")
    os.environ.setdefault("NO_COLOR", "1")
    wishes = [(way, many) for way in given.ways.split(",") for many in processes]
    one_by_one({f"{way} × {many}": partial(measure, way, many, given) for way, many in wishes}, told, given.out)


if __name__ == "__main__":
    main()
