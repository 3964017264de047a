"""`lfw run` with a judge in the recipe."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Lfw


def test_a_missing_key_of_the_judge_is_told_before_anything_is_trained(
    lfw: Lfw, workspace: Path, tiny_model: Path
) -> None:
    judge = "--set=evaluate.judge={base_url: 'https://judge.invalid/v1', model: j, key_env: LFW_ABSENT_KEY}"
    ran = lfw("run", "recipes/demo.yaml", f"--set=model={tiny_model}", "--set=template=qwen", judge, cwd=workspace)
    assert ran.code == 1
    assert "the environment has no LFW_ABSENT_KEY" in ran.err
    assert not list(workspace.glob("runs/*/*/logs/*"))
