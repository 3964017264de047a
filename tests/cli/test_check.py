"""`lfw check`: what would go wrong, in words or as JSON, in no time and without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lf_wrap.recipe.arguments import installed_arguments
from tests.conftest import Lfw


@pytest.fixture
def built(lfw: Lfw, workspace: Path, tiny_model: Path) -> tuple[str, ...]:
    """A workspace with its datasets built, and the arguments for a sound recipe in it."""
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    installed_arguments()
    return ("check", "recipes/demo.yaml", f"--set=model={tiny_model}", "--set=template=qwen", "--set=train={}")


def test_a_sound_recipe_is_ok(lfw: Lfw, workspace: Path, built: tuple[str, ...]) -> None:
    ran = lfw(*built, "--json", cwd=workspace)
    assert (ran.code, ran.json["ok"], ran.json["problems"]) == (0, True, [])


def test_problems_are_told_with_exit_code_1(lfw: Lfw, workspace: Path, built: tuple[str, ...]) -> None:
    ran = lfw(*built, "--set=train.lora_rnk=8", "--set=train.stage=sfd", "--json", cwd=workspace)
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert [problem.keys() for problem in ran.json["problems"]] == [{"level", "what", "where", "fix"}] * 2
    assert "did you mean 'lora_rank'?" in ran.err
    assert "2 errors" in ran.err
    assert lfw(*built, "--set=train.lora_rnk=8", cwd=workspace).out.count("did you mean") == 1


def test_a_warning_alone_is_ok(lfw: Lfw, workspace: Path, built: tuple[str, ...]) -> None:
    ran = lfw(*built, "--set=train.output_dir=here", "--json", cwd=workspace)
    assert (ran.code, ran.json["ok"], [one["level"] for one in ran.json["problems"]]) == (0, True, ["warning"])


def test_it_looks_at_the_processes_that_are_asked_for(lfw: Lfw, workspace: Path, built: tuple[str, ...]) -> None:
    fixed = (*built, "--set=train.per_device_train_batch_size=1", "--set=train.gradient_accumulation_steps=1", "--json")
    steps = [lfw(*fixed, "--nproc-per-node", count, cwd=workspace).json["steps"] for count in "12"]
    assert steps[0] == 2 * steps[1]
    ran = lfw(*built, "--gpus", "7", cwd=workspace)
    assert ran.code == 1
    assert "GPU" in ran.err


def test_torch_is_not_imported(workspace: Path, built: tuple[str, ...]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "lf_wrap", *built]
    done = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "pydantic" in imported
    assert imported.isdisjoint({"torch", "transformers", "llamafactory", "datasets", "pandas", "matplotlib"})
