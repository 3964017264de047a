"""A sweep: runs of their own, none stopped by another's failure, one comparison, and the same command goes on."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lf_wrap.cli.sweep import tell
from lf_wrap.pipeline.sweep import table
from tests.conftest import Lfw

SWEEP = ("--sweep", "train.lora_rank=4,8", "train.learning_rate=1e-4,5e-5")


def result(**more: Any) -> dict[str, Any]:
    score = {"metric": "exact match", "base": 0.125, "tuned": 0.6, "interval": [0.3, 0.65], "unit": "%"}
    return {
        "set": {"train.lora_rank": 8},
        "outcome": "done",
        "error": None,
        "run_dir": "runs/demo/a",
        "train_loss": 1.25,
        "eval_loss": None,
        "scores": {"demo_norm": score},
        "seconds": 61.2,
        **more,
    }


def test_the_table_says_what_was_set_and_what_came_of_it() -> None:
    failed = result(outcome="failed", error="disk full", scores={}, train_loss=None)
    assert table([result(), failed]) == [
        ["train.lora_rank", "train loss", "eval loss", "demo_norm", "seconds", "run"],
        ["8", "1.2500", "", "exact match: 12.5 % → 60.0 % (+30.0 … +65.0 points)", "61", "runs/demo/a"],
        ["8", "", "", "", "61", "runs/demo/a (failed)"],
    ]


def test_a_narrow_terminal_shows_values_scores_and_folders_whole() -> None:
    values = {"train.lora_rank": 8, "train.learning_rate": "5e-5", "before.a.train.learning_rate": "1e-4"}
    screen = Console(file=io.StringIO(), width=120)
    run = "runs/demo/20261125-000906.540175-36ea7641"
    tell([result(set=values, run_dir=run), result(set=values, outcome="failed", scores={})], screen)
    heading, *lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    learnt = ["train.learning_rate", "before.a.train.learning_rate"]  # two of one name keep their own
    assert heading.split() == ["lora_rank", *learnt, "train", "loss", "demo_norm", "seconds", "run"]
    shown = "\n".join(lines)
    assert all(said in shown for said in ("exact match", "12.5 % → 60.0 %", "(+30.0 … +65.0 points)", "(failed)"))
    assert run in "".join(line.split()[-1] for line in lines[:4])


def test_every_point_has_a_folder_of_its_own_and_the_same_command_finds_it_again(
    lfw: Lfw, workspace: Path, tiny_model: Path
) -> None:
    command = ("run", "recipes/demo.yaml", f"--set=model={tiny_model}", "--set=template=qwen", *SWEEP, "--to=build")
    ran = lfw(*command, "--json", cwd=workspace)
    assert ran.code == 0, ran.err
    runs = ran.json["runs"]
    assert [one["set"] for one in runs] == [
        {"train.lora_rank": rank, "train.learning_rate": rate} for rank in (4, 8) for rate in ("1e-4", "5e-5")
    ]
    assert len({one["run_dir"] for one in runs}) == 4
    for one in runs:
        text = (workspace / one["run_dir"] / "train.yaml").read_text(encoding="utf-8")
        assert f"lora_rank: {one['set']['train.lora_rank']}\n" in text
    written = json.loads((workspace / ran.json["sweep"] / "sweep.json").read_text(encoding="utf-8"))
    assert written == ran.json
    assert (workspace / ran.json["sweep"] / "sweep.md").read_text(encoding="utf-8").count("\n| ") == 5

    again = lfw(*command, "--json", cwd=workspace)
    assert again.json["sweep"] == ran.json["sweep"]
    assert [one["run_dir"] for one in again.json["runs"]] == [one["run_dir"] for one in runs]


def test_a_failure_is_counted_and_the_others_go_on(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    wish = ("--sweep", "template=qwem,qwen", "--to=build", "--json")
    ran = lfw("run", "recipes/demo.yaml", f"--set=model={tiny_model}", *wish, cwd=workspace)
    assert ran.code == 3
    assert [one["outcome"] for one in ran.json["runs"]] == ["failed", "done"]
    assert "no template 'qwem'" in ran.json["runs"][0]["error"]
    assert "1 of 2 runs of the sweep failed" in ran.err


def test_values_without_sweep_are_a_question_back(lfw: Lfw, workspace: Path) -> None:
    ran = lfw("run", "recipes/demo.yaml", "train.lora_rank=8,16", cwd=workspace)
    assert ran.code == 2
    assert "--sweep train.lora_rank=8,16" in ran.err


@pytest.mark.trains
def test_the_comparison_has_losses_scores_and_seconds(lfw: Lfw, workspace: Path, tiny_model: Path) -> None:
    brief = ("--set=train.max_steps=2", "--set=evaluate.limit=3", "--set=evaluate.max_new_tokens=4")
    plain = ("--set=template=qwen", "--set=train.default_system=null", *brief)
    command = ("run", "recipes/demo.yaml", f"--set=model={tiny_model}", *plain, "--sweep=train.learning_rate=1e-3,1e-5")
    ran = lfw(*command, "--json", cwd=workspace)
    assert ran.code == 0, ran.err
    for one in ran.json["runs"]:
        assert one["train_loss"] > 0
        assert one["seconds"] > 0
        assert one["scores"]["demo_norm"]["metric"] == "exact match"
        assert one["scores"]["demo_norm"]["n"] == 3
    assert "exact match" in ran.err
