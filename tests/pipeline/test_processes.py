"""Training in two processes (gloo on the CPU), and the script that does without lfw what `lfw run` does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lf_wrap.pipeline.checkpoints import checkpoints, flaw
from lf_wrap.pipeline.leaving import SECONDS_TO_BEGIN
from lf_wrap.pipeline.training_log import read_steps
from tests.conftest import Lfw

pytestmark = pytest.mark.trains

FAST = ("--set=template=qwen", "--set=train.default_system=null", "--set=train.max_steps=2")
RANKS = ("--nproc-per-node=2", "--set=train.ddp_timeout=60")


def logged(adapter: Path) -> int:
    """The step that the training is at."""
    steps = read_steps(adapter)
    return steps[-1].step if steps else 0


def living_in(folder: Path) -> list[int]:
    """The processes whose working directory is `folder`: lfw, and all that it started."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == folder:
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


def stopped(workspace: Path, command: list[str], number: int, after: int) -> str:
    """Runs `lfw run` until it is past a step, asks it to stop with a signal, and gives what it said."""
    child = subprocess.Popen(
        command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True
    )
    deadline = time.monotonic() + 600
    while not any(logged(adapter) > after for adapter in workspace.glob("runs/demo/*/adapter")):
        assert time.monotonic() < deadline, "training never began"
        assert child.poll() is None, child.communicate()
        time.sleep(0.2)
    assert len(living_in(workspace)) >= 4  # lfw, torchrun, and two ranks
    os.kill(child.pid, number)
    asked = time.monotonic()
    said, _ = child.communicate(timeout=600)
    assert child.returncode == 130, said
    assert time.monotonic() - asked < SECONDS_TO_BEGIN, said
    assert living_in(workspace) == []
    return said


def test_two_processes_stop_in_the_same_step_and_go_on(workspace: Path, tiny_model: Path) -> None:
    more = (f"--set=model={tiny_model}", *FAST, *RANKS, "--set=train.max_steps=100000", "--set=train.logging_steps=1")
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", *more]
    stopped(workspace, command, signal.SIGTERM, after=3)
    (adapter,) = workspace.glob("runs/demo/*/adapter")
    # A rank that saved in another step would have left its random state in a folder of its own.
    (first,) = checkpoints(adapter)
    assert flaw(first, processes=2) is None
    said = stopped(workspace, command, signal.SIGINT, after=first.step)
    assert f"going on from step {first.step}" in said
    assert [flaw(one, processes=2) for one in checkpoints(adapter)] == [None, None]
    log = (adapter.parent / "logs/train.log").read_text(encoding="utf-8")
    assert "Process rank: 0, world size: 2" in log
    assert "Process rank: 1, world size: 2" in log


def test_the_script_alone_trains_and_exports(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    rendered = lfw("render", "recipes/demo.yaml", f"--set=model={tiny_model}", *FAST, *RANKS, "--json", cwd=workspace)
    assert rendered.code == 0, rendered.err
    script = workspace / rendered.json["script"]
    # The ranks stop together without lfw too: what does that lies beside the script, and needs nothing of lfw.
    brought = script.parent / "ranks"
    assert 'export PYTHONPATH="$(cd "$(dirname "$0")" && pwd)/ranks' in script.read_text(encoding="utf-8")
    assert {file.name for file in brought.iterdir()} == {"sitecustomize.py", "stop_together.py", "from_cpu.py"}
    assert not any("lf_wrap" in file.read_text(encoding="utf-8") for file in brought.iterdir())
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", script], cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Process rank: 1, world size: 2" in done.stdout + done.stderr
    assert (script.parent / "model/model.safetensors").is_file()


def test_a_node_that_is_not_the_first_only_trains(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    """Two nodes on this machine, as two commands with one run folder: each builds, both train, node 0 does the rest."""
    same = [f"--set=model={tiny_model}", *FAST, "--run-dir=runs/both", "--nnodes=2", "--master=127.0.0.1:29731"]
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", *same, "--to=export", "--json"]
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    other = subprocess.Popen(
        [*command, "--node-rank=1"], cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    first = subprocess.run([*command, "--node-rank=0"], cwd=workspace, capture_output=True, text=True, check=False)
    out, err = other.communicate(timeout=300)
    assert first.returncode == 0, first.stderr
    assert other.returncode == 0, err
    assert '"stages": {"build": "done", "tokenize": "done", "train": "done"}' in out
    assert '"export": "done"' in first.stdout
    assert "world size: 2" in (workspace / "runs/both/node1/logs/train.log").read_text(encoding="utf-8")
    assert (workspace / "runs/both/model/model.safetensors").is_file()
