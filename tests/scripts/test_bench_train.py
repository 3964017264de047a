"""The training bench itself: on the CPU its figures say nothing, but every part of it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lf_wrap.dataset import build, load_spec

SCRIPTS = Path(__file__).parents[2] / "scripts"
BENCH = SCRIPTS / "bench_train.py"
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.trains
def test_settings_are_trained_measured_and_told(workspace: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(workspace)
    build(load_spec(Path("dataset_info/demo.yaml")), Path("dataset_info"))
    command = [sys.executable, BENCH, "--model", tiny_model, "--train", "demo_norm", "--held-out", "demo_norm_test"]
    command += ["--settings", "batch8,lora-1@1e-3", "--steps", "6", "--evaluations", "2", "--out", "out.json"]
    command += ["--set", "cutoff_len=256", "--set", "preprocessing_num_workers=1", "--set", "max_samples=40"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

    results = json.loads(Path("out.json").read_text())["results"]
    assert set(results) == {"batch8", "lora-1@1e-3"}
    for one in results.values():
        assert "failed" not in one, one
        assert one["steps"] == 6
        assert [point["step"] for point in one["held_out"]] == [0, 3, 6]
    packed = results["lora-1@1e-3"]
    assert packed["arguments"]["learning_rate"] == 1e-3
    assert packed["rows_or_packs"] < results["batch8"]["rows_or_packs"]
    assert len(Path("out.curve.jsonl").read_text().splitlines()) == 6

    told = subprocess.run([sys.executable, BENCH, "--table", "out.json"], capture_output=True, text=True, check=True)
    assert [line.split(" | ")[0] for line in told.stdout.splitlines()[2:]] == ["| batch8", "| lora-1@1e-3"]


def test_every_setting_is_like_one_that_is_there():
    known = yaml.safe_load((SCRIPTS / "bench_train_settings.yaml").read_text())
    assert {one["like"] for one in known.values() if "like" in one} <= set(known)


def test_the_documented_table_is_what_the_raw_results_print():
    files = [file for file in sorted((DOCS / "benchmarks").glob("*.json")) if "shape" in json.loads(file.read_text())]
    told = subprocess.run([sys.executable, BENCH, "--table", *files], capture_output=True, text=True, check=True)
    documented = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    for table in told.stdout.strip().split("\n\n"):
        assert table in documented
