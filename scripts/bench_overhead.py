"""`lfw run --to export` against the bare `llamafactory-cli train` and `export` on the very YAML files that it rendered.

A tiny model on the CPU, so that what lfw adds is not lost in the training. The rounds alternate, and the smallest of
each is compared: what is slower was held up by something else on the machine.

    python scripts/bench_overhead.py --rounds 3
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from kill_table import ENVIRONMENT  # noqa: E402

from lf_wrap.pipeline import lay_out, llamafactory_cli  # noqa: E402

SETTINGS = ("model=tiny", "template=qwen", "train.default_system=null", "train.max_steps=10")


def with_lfw(workspace: Path, run: str) -> list[str]:
    settings = [f"--set={setting}" for setting in SETTINGS]
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", "--to=export", "--run-dir", f"runs/{run}"]
    return [*command, *settings]


class Cost(NamedTuple):
    """Seconds on the clock, and seconds of computing by all processes, which a busy machine changes less."""

    clock: float
    cpu: float


def cost(commands: list[list[str]], workspace: Path) -> Cost:
    began, computed = time.monotonic(), _cpu()
    for command in commands:
        subprocess.run(command, cwd=workspace, env=ENVIRONMENT, check=True, capture_output=True)
    return Cost(time.monotonic() - began, _cpu() - computed)


def _cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    from tests.tiny_model import make_tiny_model

    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        lay_out(workspace)
        make_tiny_model(workspace / "tiny", sorted((ROOT / "dataset_info/raw/sample").glob("*.json*")))
        build = [sys.executable, "-m", "lf_wrap", "build-data", "dataset_info/demo.yaml"]
        cost([build], workspace)  # the datasets are there for both
        lfw, bare = [], []
        for number in range(options.rounds):
            run = f"round{number}"
            lfw.append(cost([with_lfw(workspace, run)], workspace))
            for left in ("adapter", "model"):
                shutil.rmtree(workspace / "runs" / run / left)
            commands = [llamafactory_cli(what, f"runs/{run}/{what}.yaml") for what in ("train", "export")]
            bare.append(cost(commands, workspace))
    least = {name: Cost(*map(min, zip(*costs, strict=True))) for name, costs in (("bare", bare), ("lfw", lfw))}
    print(f"| smallest of {options.rounds} | seconds | seconds of computing |")
    print("|---|---|---|")
    print("| llamafactory-cli train, llamafactory-cli export | {:.1f} | {:.1f} |".format(*least["bare"]))
    print("| lfw run --to export | {:.1f} | {:.1f} |".format(*least["lfw"]))
    added = (ours - theirs for ours, theirs in zip(least["lfw"], least["bare"], strict=True))
    print("| what lfw adds | {:+.1f} | {:+.1f} |".format(*added))


if __name__ == "__main__":
    main()
