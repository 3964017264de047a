"""Kills `lfw run` and its trainer at random moments, goes on, and compares the adapter with an undisturbed run's.

Prints the kill table of docs/run.md. A tiny model on the CPU; every process is the real one.

    python scripts/kill_table.py --times 10 --at-once 2
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lf_wrap.pipeline import lay_out, llamafactory_cli  # noqa: E402
from lf_wrap.pipeline.checkpoints import checkpoints  # noqa: E402
from lf_wrap.pipeline.family import started_for  # noqa: E402
from lf_wrap.pipeline.training_log import read_steps  # noqa: E402

STEPS, SAVED_EVERY = 40, 8
SETTINGS = {
    "template": "qwen",
    "train.default_system": "null",
    "train.max_steps": STEPS,
    "train.save_strategy": "steps",
    "train.save_steps": SAVED_EVERY,
    "train.logging_steps": 1,
    "train.gradient_accumulation_steps": 2,
}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # as where lfw is installed: pip compiles what it installs
KINDS = ("lfw", "the trainer", "both")


@dataclass(frozen=True)
class Killed:
    """What one kill did: where the training was, where it went on, and how far the result is from the undisturbed."""

    kind: str
    at_step: int
    went_on_from: int
    furthest: float
    log_right: bool


def lfw(workspace: Path, run: str) -> subprocess.Popen[bytes]:
    """`lfw run … --to train` in a run folder of its own."""
    settings = [f"--set={key}={value}" for key, value in {"model": "tiny", **SETTINGS}.items()]
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", "--to=train", "--run-dir", f"runs/{run}"]
    with (workspace / f"{run}.out").open("ab") as out:
        return subprocess.Popen([*command, *settings], cwd=workspace, stdout=out, stderr=out, env=ENVIRONMENT)


def prepare(workspace: Path) -> None:
    """The sample data, a tiny model, and one undisturbed run, `runs/undisturbed`, that leaves all its checkpoints."""
    from tests.tiny_model import make_tiny_model

    lay_out(workspace)
    make_tiny_model(workspace / "tiny", sorted((ROOT / "dataset_info/raw/sample").glob("*.json*")))
    if lfw(workspace, "undisturbed").wait() != 0:
        sys.exit((workspace / "undisturbed.out").read_text())


def kill_once(workspace: Path, number: int, kind: str, seed: int) -> Killed:
    """Starts a run, kills -9 what `kind` says at a random moment, and lets `lfw run` go on to the end."""
    dice = random.Random(f"{seed} {kind} {number}")
    run = f"{kind.replace(' ', '-')}-{number}"
    adapter = workspace / "runs" / run / "adapter"
    first = lfw(workspace, run)
    step = dice.randint(-STEPS // 4, STEPS - 1)  # below 0: while it loads
    wait_until(lambda: bool(started_for(adapter.parent)) or first.poll() is not None)
    wait_until(lambda: step < 0 or logged(adapter) >= step or first.poll() is not None)
    time.sleep(dice.uniform(0, 8 if step < 0 else 0.5))
    at_step = logged(adapter)
    trainers = started_for(adapter.parent)
    if kind != "the trainer":
        first.send_signal(signal.SIGKILL)
    if kind != "lfw":
        for process in trainers:
            process.send_signal(signal.SIGKILL)
    first.wait()
    if lfw(workspace, run).wait() != 0:
        raise RuntimeError((workspace / f"{run}.out").read_text())
    return Killed(kind, at_step, went_on_from(workspace / f"{run}.out"), furthest(workspace, run), log_right(adapter))


def llamafactory_alone(workspace: Path) -> float:
    """How far LLaMA-Factory's own resume, without any kill and without lfw, ends from the undisturbed run."""
    source, output = workspace / "runs/undisturbed", workspace / "runs/alone/adapter"
    middle = checkpoints(source / "adapter")[0]
    shutil.copytree(middle.path, output / middle.path.name)
    command = llamafactory_cli("train", str(source / "train.yaml"), f"output_dir={output}")
    subprocess.run(command, cwd=workspace, env=ENVIRONMENT, check=True, capture_output=True)
    return furthest(workspace, "alone")


def furthest(workspace: Path, run: str) -> float:
    """The largest difference between any weight of this run's adapter and the undisturbed one's."""
    from safetensors.torch import load_file

    ours, theirs = (
        load_file(workspace / "runs" / name / "adapter/adapter_model.safetensors") for name in (run, "undisturbed")
    )
    return max(float((ours[name] - theirs[name]).abs().max()) for name in theirs)


def log_right(adapter: Path) -> bool:
    """Whether `trainer_log.jsonl` has the loss of every step exactly once."""
    return [step.step for step in read_steps(adapter) if step.loss is not None] == list(range(1, STEPS + 1))


def went_on_from(out: Path) -> int:
    words = out.read_text().partition("going on from step ")[2].split()
    return int(words[0]) if words else 0


def logged(adapter: Path) -> int:
    steps = read_steps(adapter)
    return steps[-1].step if steps else 0


def wait_until(true: Callable[[], bool]) -> None:
    while not true():
        time.sleep(0.05)


def table(killed: list[Killed], alone: float) -> str:
    """The kill table as Markdown."""
    lines = [
        "| killed with -9 | times | at step | went on from step | largest difference of a weight | loss curve whole |",
        "|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        ones = sorted((one for one in killed if one.kind == kind), key=lambda one: one.at_step)
        if ones:
            at = " ".join(str(one.at_step) for one in ones)
            on = " ".join(str(one.went_on_from) for one in ones)
            whole = sum(one.log_right for one in ones)
            furthest = max(one.furthest for one in ones)
            lines.append(f"| {kind} | {len(ones)} | {at} | {on} | {furthest:.1e} | {whole} of {len(ones)} |")
    lines.append(f"| nothing: LLaMA-Factory's own resume | 1 | | {SAVED_EVERY} or later | {alone:.1e} | |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10, help="kills of each kind")
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        prepare(workspace)
        alone = llamafactory_alone(workspace)
        wanted = [(kind, number) for number in range(options.times) for kind in KINDS]
        with ThreadPoolExecutor(options.at_once) as pool:
            killed = list(pool.map(lambda one: kill_once(workspace, one[1], one[0], options.seed), wanted))
    print(table(killed, alone))


if __name__ == "__main__":
    main()
