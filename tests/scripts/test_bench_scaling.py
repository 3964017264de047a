"""The scaling bench on one process and two that share the CPU: the speeds say nothing, but every part of it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lf_wrap.dataset import build, load_spec
from tests.conftest import ROOT

BENCH = ROOT / "scripts/bench_scaling.py"


@pytest.mark.trains
def test_one_process_and_two_are_measured_and_told(
    workspace: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace)
    build(load_spec(Path("dataset_info/demo.yaml")), Path("dataset_info"))
    command = [sys.executable, BENCH, "--model", tiny_model, "--template", "qwen", "--dataset", "demo_norm"]
    command += ["--processes", "1,2", "--steps", "12", "--batch", "2", "--out", "out.json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

    results = json.loads(Path("out.json").read_text())
    assert [one.get("processes") for one in results.values()] == [1, 2], results
    assert all(one["tokens_a_second"] > 0 for one in results.values())
    told = subprocess.run([sys.executable, BENCH, "--table", "out.json"], capture_output=True, text=True, check=True)
    assert [line.split(" | ")[0] for line in told.stdout.splitlines()[2:]] == ["| lora × 1", "| lora × 2"]
    assert " | 100% | " in told.stdout.splitlines()[2]


def test_efficiency_is_against_the_fewest_processes(tmp_path: Path) -> None:
    common = {"seconds_a_step": 1.0, "seconds_to_the_first_step": 9.0, "peak_bytes": None, "estimated_bytes": 3 << 30}
    results = {
        "full-zero3 × 1": {"failed": "out of memory"},
        "full-zero3 × 2": {"processes": 2, "tokens_a_second": 1000, **common},
        "full-zero3 × 8": {"processes": 8, "tokens_a_second": 3000, **common},
    }
    (tmp_path / "out.json").write_text(json.dumps(results))
    told = subprocess.run(
        [sys.executable, BENCH, "--table", tmp_path / "out.json"], capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines()[2:] == [
        "| full-zero3 × 1 | failed: out of memory | | | | | |",
        "| full-zero3 × 2 | 1.000 | 1,000 | 100% | 9 |  | 3.0 |",
        "| full-zero3 × 8 | 1.000 | 3,000 | 75% | 9 |  | 3.0 |",
    ]


def test_rows_of_one_length_cost_no_waiting_and_others_do(tmp_path: Path) -> None:
    row = {"instruction": "q", "input": "", "output": "a" * 99}
    entry = {"columns": {"prompt": "instruction", "query": "input", "response": "output"}}
    entries = {name: {**entry, "file_name": f"{name}.jsonl"} for name in ("even", "uneven")}
    (tmp_path / "dataset_info.json").write_text(json.dumps(entries))
    (tmp_path / "even.jsonl").write_text(f"{json.dumps(row)}\n" * 64)
    rows = [{**row, "output": "a" * (199 if number % 4 == 0 else 99)} for number in range(64)]
    (tmp_path / "uneven.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in rows))
    told = {}
    for name in entries:
        command = [sys.executable, BENCH, "--predict", "--dataset", name, "--dataset-dir", tmp_path]
        command += ["--batch", "1", "--processes", "1,2"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
        told[name] = done.stdout.splitlines()[2:]
    assert told["even"] == ["| 1 | 100% | 100% |", "| 2 | 100% | 100% |"]
    # Of two rows none is long with 9/16: on average they cost (100 · 9/16 + 200 · 7/16), and work is 125 of that.
    random_order, grouped = (int(part.strip(" %")) for part in told["uneven"][1].split("|")[2:4])
    assert random_order == pytest.approx(100 * 125 / (100 * 9 / 16 + 200 * 7 / 16), abs=2)
    assert grouped >= 98
