"""The guard at work: trainings that really go wrong, and a child that really hangs."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from lf_wrap.pipeline.family import started_for
from lf_wrap.pipeline.launch import launch
from lf_wrap.pipeline.watch import GoneWrong, Watch
from lf_wrap.progress import Line
from lf_wrap.recipe import Guard
from tests.conftest import Lfw
from tests.pipeline.test_run import run

HANGS = """
import json, sys, time
with open(sys.argv[1], "a") as log:
    log.write(json.dumps({"current_steps": 4, "total_steps": 9, "loss": 2.0}) + "\\n")
print("{'loss': '2', 'grad_norm': 'nan', 'epoch': '0.1'}", flush=True)
time.sleep(600)
"""


def watch(folder: Path, rules: Guard) -> Watch:
    line = Line(Console(file=io.StringIO()), "train", None)
    return Watch(folder, folder / "log", line, rules, {"learning_rate": 1e-4})


def test_a_child_that_hangs_is_stopped_and_the_message_says_where(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HANGS, str(tmp_path / "trainer_log.jsonl")]
    with pytest.raises(GoneWrong) as stop:
        launch(command, tmp_path / "log", watch(tmp_path, Guard(hang_minutes=0.05)).look)
    assert stop.value.trouble.what == "no sign of life for 0.05 minutes since step 4 of 9"
    assert started_for(tmp_path) == []


def test_gradient_norms_are_read_from_what_the_trainer_prints(tmp_path: Path) -> None:
    seen, log = watch(tmp_path, Guard()), tmp_path / "log"
    for norm in ("1.25", "inf", "nan", "nan", "inf"):
        with log.open("a") as handle:
            handle.write(f"\r 5%|#| {{'loss': '1.1', 'grad_norm': '{norm}', 'learning_rate': '1e-4'}}\n")
        seen.look()
    with log.open("a") as handle:
        handle.write("{'loss': '1.1', 'grad_norm': 'inf'")
    seen.look()
    with log.open("a") as handle:
        handle.write("}\n")
    with pytest.raises(GoneWrong, match="gradient norms are inf"):
        seen.look()


def test_what_was_logged_before_it_went_on_is_not_its_speed(tmp_path: Path) -> None:
    log = tmp_path / "trainer_log.jsonl"
    logged = {"total_steps": 100, "loss": 2.0}
    log.write_text(json.dumps({"current_steps": 50, "elapsed_time": "0:10:00", **logged}) + "\n")
    screen = io.StringIO()
    line = Line(Console(file=screen, width=200), "train", None)
    seen = Watch(tmp_path, tmp_path / "log", line, Guard(), {})
    line._said = float("-inf")
    seen.look()
    assert "50 of 100 loading" in screen.getvalue()
    with log.open("a") as handle:
        handle.write(json.dumps({"current_steps": 60, "elapsed_time": "0:00:05", **logged}) + "\n")
    line._said = float("-inf")
    seen.look()
    assert "60 of 100 loss 2.000 2.00 steps/s" in screen.getvalue()


@pytest.mark.trains
def test_a_rate_that_is_far_too_high_is_stopped_with_the_setting_to_change(
    lfw: Lfw, workspace: Path, tiny_model: Path
) -> None:
    settings: dict[str, object] = {
        "learning_rate": "1e6",
        "max_steps": 60,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": 5,
    }
    settings |= {"finetuning_type": "full", "lora_rank": "null", "lora_alpha": "null"}
    wild = [f"--set=train.{name}={value}" for name, value in settings.items()]
    ran = run(lfw, workspace, tiny_model, *wild, "--to", "train")
    assert ran.code == 3
    assert "the guard stopped the training: the loss " in ran.err
    assert "train.learning_rate (1e+06) is too high: try 100000" in ran.err
    assert "trainer_log" not in ran.err
    assert "logs/train.log" in ran.err


@pytest.mark.trains
def test_weights_that_are_nan_from_the_start_are_named_as_such(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = workspace / "broken"
    broken.mkdir()
    for file in tiny_model.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    ran = run(lfw, workspace, broken, "--set=train.logging_steps=1", "--to", "train")
    assert ran.code == 3
    assert "the loss at step 1 is nan from the first logged step on" in ran.err
    assert "NaN in the base model's weights" in ran.err
