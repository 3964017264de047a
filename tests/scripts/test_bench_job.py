"""Both ways of the whole job, on a tiny model: the seconds say nothing, but every part of them runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLE


@pytest.mark.trains
def test_both_ways_end_in_a_score_on_the_same_rows(tmp_path: Path, tiny_model: Path) -> None:
    words = SAMPLE / "term_normalization.xlsx"
    command = [sys.executable, ROOT / "scripts/bench_job.py", "--model", tiny_model, "--template", "qwen"]
    command += ["--train", words, "--rows", "24", "--test", words, "--test-rows", "5", "--methods", "lora"]
    command += ["--epochs", "0.4", "--out", tmp_path / "out.json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

    tutorial, ours = json.loads((tmp_path / "out.json").read_text()).values()
    assert list(tutorial["seconds"]) == ["convert", "train", "merge", "ask the base", "ask the tuned"]
    assert {"build", "tokenize", "train", "export", "evaluate", "report"} < set(ours["seconds"])
    assert ours["run"]["scores"]["norm"]["exact match"]["n"] == 5
    assert done.stdout.splitlines()[-1].startswith("| lora, lfw run |")
