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
from tests.conftest import Lfw

pytestmark = pytest.mark.trains

FAST = ("--set=template=qwen", "--set=train.default_system=null", "--set=train.max_steps=2")
RANKS = ("--nproc-per-node=2", "--set=train.ddp_timeout=60")


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


def test_two_processes_train_and_sigterm_leaves_neither_behind(workspace: Path, tiny_model: Path) -> None:
    more = (f"--set=model={tiny_model}", *FAST, *RANKS, "--set=train.max_steps=100000")
    command = [sys.executable, "-m", "lf_wrap", "run", "recipes/demo.yaml", *more]
    child = subprocess.Popen(command, cwd=workspace, stderr=subprocess.PIPE, start_new_session=True, text=True)
    deadline = time.monotonic() + 600
    while not list(workspace.glob("runs/demo/*/adapter/trainer_log.jsonl")):
        assert time.monotonic() < deadline, "training never began"
        assert child.poll() is None
        time.sleep(0.5)
    assert len(living_in(workspace)) >= 4  # lfw, torchrun, and two ranks
    os.kill(child.pid, signal.SIGTERM)
    asked = time.monotonic()
    _, err = child.communicate(timeout=600)
    assert child.returncode == 130, err
    assert time.monotonic() - asked < SECONDS_TO_BEGIN, err
    assert living_in(workspace) == []
    log = next(workspace.glob("runs/demo/*/logs/train.log")).read_text(encoding="utf-8")
    assert "Process rank: 0, world size: 2" in log
    assert "Process rank: 1, world size: 2" in log
    assert "Saving JIT checkpoint at step" in log
    # A rank that saved in another step would have left its random state in a folder of its own.
    assert [flaw(one, processes=2) for one in checkpoints(next(workspace.glob("runs/demo/*/adapter")))] == [None]


def test_the_script_alone_trains_and_exports(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    rendered = lfw("render", "recipes/demo.yaml", f"--set=model={tiny_model}", *FAST, *RANKS, "--json", cwd=workspace)
    assert rendered.code == 0, rendered.err
    script = workspace / rendered.json["script"]
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
