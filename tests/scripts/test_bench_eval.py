"""The bench of the engine, on a tiny model: its speeds say nothing, but both ways run and answer alike."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_both_ways_are_measured_and_their_answers_compared(
    dtype: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wish = ["--model", str(tiny_model), "--rows", "20", "--max-new-tokens", "8", "--dtype", dtype]
    monkeypatch.setattr(sys, "argv", ["bench_eval.py", *wish, "--rows-at-once", "8"])
    runpy.run_path(str(ROOT / "scripts/bench_eval.py"), run_name="__main__")
    told = capsys.readouterr().out
    assert f"in torch.{dtype} on" in told
    assert len(re.findall(r"^ +(?:loop|lfw) .* rows/s", told, re.MULTILINE)) == 2
    assert re.search(r"identical answers: \d+ of 20$", told, re.MULTILINE)
    if dtype == "float32":
        assert "identical answers: 20 of 20" in told
