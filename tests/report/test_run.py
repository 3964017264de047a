"""A real run with everything that a recipe can ask for: each section stands in the report, in all its forms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Lfw
from tests.evaluation.judges.conftest import Server, server
from tests.evaluation.judges.test_judging import ALL_FOURS

__all__ = ["server"]
pytestmark = pytest.mark.trains

ASKED = (
    "--set=template=qwen",
    "--set=train.default_system=null",
    "--set=train.max_steps=2",
    "--set=evaluate.limit=3",
    "--set=evaluate.max_new_tokens=4",
    "--set=evaluate.probe=general_en",
    "--set=evaluate.paraphrase=general",
    "--set=evaluate.memorisation=3",
)


def test_probe_rewordings_memorisation_parity_judge_and_data_stand_in_the_report(
    lfw: Lfw, workspace: Path, tiny_model: Path, server: Server
) -> None:
    server.says = lambda prompt, times: '{"better": "tie"}' if "<answer_a>" in prompt else ALL_FOURS
    price = "price: {input: 2.0, output: 8.0}"
    judge = f"--set=evaluate.judge={{base_url: '{server.url}', model: judge-1, {price}}}"
    command = ("run", "recipes/demo.yaml", f"--set=model={tiny_model}", *ASKED, judge, "--json")
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    dry = lfw(*command, "--dry-run", cwd=workspace)
    assert "12 calls at most" in dry.err, dry.err
    assert server.asked == []

    ran = lfw(*command, cwd=workspace)
    assert ran.code == 0, ran.err
    calls = len(server.asked)
    assert 9 <= calls <= 12, "two answers that are the same are judged once"
    assert re.search(r"\d+ calls, [\d,]+ tokens in, \d+ out,.* cost 0\.00\d+", ran.err), ran.err
    folder = workspace / ran.json["run_dir"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    for section in (
        "What it may have forgotten",
        "The same questions, reworded",
        "Learned, or learned by heart",
        "Is the exported model the tuned one?",
        "What a judge model said",
        "140 training and 40 test rows",
        "characters an answer",
    ):
        assert section in page, section
    short = (folder / "report.md").read_text(encoding="utf-8")
    told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    kinds = {name: one["kind"] for name, one in told["sets"].items()}
    assert kinds == {
        "demo_norm": "test",
        "demo_norm.reworded": "paraphrase",
        "demo_norm.train": "memorisation",
        "general_en": "probe",
    }
    assert all(name in short.replace("\\", "") for name in kinds)  # Markdown has them escaped
    assert told["parity"]["ok"] is True
    assert told["judge"]["demo_norm"]["pairwise"][0]["ties"] == 3

    again = lfw(*command, "--from", "evaluate", cwd=workspace)
    assert again.code == 0, again.err
    assert len(server.asked) == calls, "what the judge said is not asked again"


def test_a_missing_key_of_the_judge_is_told_before_anything_is_trained(
    lfw: Lfw, workspace: Path, tiny_model: Path
) -> None:
    judge = "--set=evaluate.judge={base_url: 'https://judge.invalid/v1', model: j, key_env: LFW_ABSENT_KEY}"
    ran = lfw("run", "recipes/demo.yaml", f"--set=model={tiny_model}", *ASKED, judge, cwd=workspace)
    assert ran.code == 1
    assert "the environment has no LFW_ABSENT_KEY" in ran.err
    assert not list(workspace.glob("runs/*/*/logs/*"))
