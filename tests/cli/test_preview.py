"""`lfw preview` shows what is learned, what is only read and what is cut, with and without colour."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Lfw


@pytest.fixture
def built(lfw: Lfw, workspace: Path) -> Path:
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    return workspace


def test_without_a_model_the_turns(lfw: Lfw, built: Path) -> None:
    ran = lfw("preview", "demo_norm", "--rows=2", "--json", cwd=built)
    assert ran.code == 0, ran.err
    assert [row["row"] for row in ran.json["rows"]] == [1, 2]
    assert [one["role"] for one in ran.json["rows"][0]["messages"]] == ["user", "assistant"]
    assert ran.json["rows_in_all"] == 140


@pytest.mark.trains
def test_with_a_model_the_answer_is_marked_as_learned_and_the_rest_as_cut(
    lfw: Lfw, built: Path, tiny_model: Path
) -> None:
    same = ("preview", "demo_roleplay", "--rows=1", "--row=3", f"--model={tiny_model}", "--template=qwen")
    whole = lfw(*same, "--cutoff-len=4096", "--json", cwd=built)
    assert whole.code == 0, whole.err
    row = whole.json["rows"][0]
    assert row["tokens"]["cut"] == 0
    assert row["tokens"]["learned"] > 0
    learned = [span["text"] for span in row["spans"] if span["kind"] == "learned"]
    assert all(text.endswith("<|im_end|>\n") for text in learned)
    assert all("<|im_start|>" not in text for text in learned)
    short = lfw(*same, "--cutoff-len=90", cwd=built)
    assert "⟦" in short.out
    assert "⟨cut: " in short.out
    assert "\x1b" not in short.out


def test_what_cannot_be_shown_is_said(lfw: Lfw, built: Path) -> None:
    assert "did you mean 'demo_norm'?" in lfw("preview", "demo_nrom", cwd=built).err
    assert "has no row 999" in lfw("preview", "demo_norm", "--row=999", cwd=built).err
