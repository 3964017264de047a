"""The DeepSpeed bench without DeepSpeed: killed and gone on with on the CPU, so that the script does not rot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lf_wrap.dataset import build, load_spec
from tests.conftest import ROOT

BENCH = ROOT / "scripts/bench_deepspeed.py"


@pytest.mark.trains
def test_what_is_killed_goes_on_from_its_checkpoint(
    workspace: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    build(load_spec(Path("dataset_info/demo.yaml")), Path("dataset_info"))
    command = [sys.executable, BENCH, "--model", tiny_model, "--template", "qwen", "--dataset", "demo_norm"]
    command += ["--ways", "plain", "--steps", "24", "--set", "train.per_device_train_batch_size=2", "--out", "out.json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

    plain = json.loads(Path("out.json").read_text())["plain"]
    assert (plain.get("gone_on_from"), plain.get("steps")) == (12, 24), plain
    assert plain["largest_loss_difference"] == 0.0


@pytest.mark.parametrize(
    "raw", sorted((ROOT / "docs/benchmarks").glob("h100-deepspeed*.json")), ids=lambda raw: raw.stem
)
def test_the_raw_results_are_told_as_the_page_tells_them(raw: Path) -> None:
    told = subprocess.run([sys.executable, BENCH, "--table", raw], capture_output=True, text=True, check=True).stdout
    assert told.strip() in (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
