"""A workspace with a recipe, built datasets and a finished run; the board on it; a browser on the board."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from lf_wrap.board import Form, installed_form
from lf_wrap.board.serve import answers
from lf_wrap.pipeline import lay_out
from tests.board.browser import Board, chromium

RECIPE = """\
model: ./models/tiny
template: qwen
data: {build: dataset_info/demo.yaml, train: [demo_norm, demo_dialogue]}
train:
  finetuning_type: lora
  lora_rank: 32
  learning_rate: 3.0e-4
  num_train_epochs: 2
  per_device_train_batch_size: 4
  weight_decay: 0.01
  neat_packing: true
  cutoff_len: 512
"""
SECONDS_TO_START = 300  # it imports torch and gradio; ten seconds on a quiet machine


@pytest.fixture(scope="session")
def form() -> Form:
    """What the installed board says of its form."""
    pytest.importorskip("gradio")
    return installed_form()


@dataclass(frozen=True)
class Workspace:
    root: Path
    run: str
    """The finished run's name in the board."""

    def lfw(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lf_wrap", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)

    def rendered(self) -> dict[str, object]:
        """The train arguments that `lfw render` writes for the recipe."""
        assert self.lfw("render", "recipes/tiny.yaml").returncode == 0
        arguments: dict[str, object] = yaml.safe_load((self.root / "rendered/tiny/train.yaml").read_text())
        return arguments

    def add_full_run(self, root: Path) -> str:
        """A finished run of full tuning in `root`, made of the other one; its name in the board."""
        lora = next(root.glob("runs/tiny/*/"))
        run = root / "runs/whole" / lora.name
        run.mkdir(parents=True)
        shutil.copytree(root / "models/tiny", run / "weights")
        shutil.copy(lora / "ledger.jsonl", run)
        recipe = RECIPE.replace("lora_rank: 32", "pure_bf16: false").replace("lora", "full")
        (root / "whole.yaml").write_text(f"name: whole\n{recipe}")
        done = replace(self, root=root).lfw("render", "whole.yaml", "--out", str(run))
        assert done.returncode == 0, done.stderr
        (root / "whole.yaml").rename(run / "recipe.yaml")
        return f"whole-{run.name}"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Workspace:
    """Its run was not trained, which would take a minute more: it holds a fresh adapter, as training leaves one."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    root = tmp_path_factory.mktemp("board")
    lay_out(root)
    shutil.rmtree(root / "recipes")
    (root / "recipes").mkdir()
    (root / "recipes/tiny.yaml").write_text(RECIPE)
    shutil.copytree(tiny_model, root / "models/tiny")
    run = root / "runs/tiny/20260101-120000.000000-abcdef12"
    here = Workspace(root, f"tiny-{run.name}")
    assert here.lfw("build-data", "dataset_info/demo.yaml").returncode == 0
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text(f"name: tiny\n{RECIPE}")
    assert here.lfw("render", "recipes/tiny.yaml", "--out", str(run)).returncode == 0
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    get_peft_model(model, LoraConfig(r=32, target_modules=["q_proj"], task_type="CAUSAL_LM")).save_pretrained(
        run / "adapter"
    )
    ledger = ['{"stage": "train", "event": "start"}', '{"stage": "train", "event": "end", "exit": 0, "inputs": {}}']
    (run / "ledger.jsonl").write_text("\n".join(ledger) + "\n")
    return here


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serving(root: Path, opened: Path) -> Iterator[str]:
    """Where `lfw webui` serves the workspace `root`, with `opened` in the form."""
    port = free_port()
    command = [sys.executable, "-m", "lf_wrap", "webui", str(opened), "--port", str(port)]
    log = root / "lfw.log"
    with log.open("w") as output:
        lfw = subprocess.Popen(command, cwd=root, stdout=output, stderr=output, env={**os.environ, "LFW_LANG": "en"})
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers("127.0.0.1", port):
            assert lfw.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the board does not start"
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        lfw.send_signal(signal.SIGINT)
        lfw.wait(60)
        assert not answers("127.0.0.1", port), "the board outlived lfw"


@pytest.fixture(scope="session")
def address(finished: Workspace) -> Iterator[str]:
    """Where `lfw webui` serves the workspace, in which a person saved a configuration before."""
    pytest.importorskip("gradio")
    saved = finished.root / "llamaboard_config/a_persons.yaml"
    saved.parent.mkdir(exist_ok=True)
    saved.write_text("train.dataset: [demo_norm]\ntrain.learning_rate: '7e-4'\n")
    with serving(finished.root, Path("recipes/tiny.yaml")) as place:
        yield place


@pytest.fixture(scope="session")
def board(address: str) -> Iterator[Board]:
    with chromium() as driver:
        yield Board(driver, address)
