"""`lfw judge`: a model behind an endpoint, or people with a sheet, say which answers are better."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.conftest import Lfw
from tests.evaluation.judges.conftest import Server, server
from tests.evaluation.judges.test_judging import ALL_FOURS, prefers_good
from tests.runs import evaluated_run, question_set

__all__ = ["server"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    med = question_set("med", ["good answer"] * 8)
    return evaluated_run(tmp_path / "run", [med], {"base": {"med": ["bad"] * 8}, "tuned": {"med": ["good"] * 8}})


def says(prompt: str, times: int) -> str:
    return prefers_good(prompt, times) if "<answer_a>" in prompt else ALL_FOURS


def test_a_judge_is_estimated_asked_once_and_told(lfw: Lfw, run: Path, server: Server) -> None:
    server.says = says
    judge = ("judge", run, "--url", server.url, "--model", "judge-1", "--rubric", "general", "--json")
    dry = lfw(*judge, "--dry-run")
    assert dry.code == 0, dry.err
    assert dry.json["dry_run"]["med"]["calls"] == 2 * 8 + 2 * 8
    assert server.asked == []
    ran = lfw(*judge)
    assert ran.code == 0, ran.err
    assert "tuned won 8" in ran.err.replace("mine won", "tuned won")
    (duel,) = ran.json["judged"]["med"]["pairwise"]
    assert (duel["second_won"], duel["ties"]) == (8, 0)
    written = json.loads((run / "judged/base+mine.json").read_text(encoding="utf-8"))
    assert written == ran.json["judged"]
    asked = len(server.asked)
    assert lfw(*judge).code == 0
    assert len(server.asked) == asked, "what was answered is not asked again"


def test_without_a_judge_it_says_how_to_name_one(lfw: Lfw, run: Path) -> None:
    ran = lfw("judge", run)
    assert ran.code == 1
    assert "no judge is named" in ran.err
    assert "--url" in ran.err


def test_people_judge_by_sheet(lfw: Lfw, run: Path, tmp_path: Path) -> None:
    written = lfw("judge", run, "--sheet", "me.csv", "--json")
    assert written.code == 0, written.err
    sheet = tmp_path / "me.csv"
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        header, *lines = list(csv.reader(file))
    for name, verdicts in (("me.csv", ["A"] * 8), ("me-anna.csv", ["A"] * 7 + ["tie"])):
        filled = [[*line[:5], verdict, line[6]] for line, verdict in zip(lines, verdicts, strict=True)]
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *filled])
    read = lfw("judge", "--read", "me.csv", "--read", "me-anna.csv", "--json")
    assert read.code == 0, read.err
    assert [told["judged"] for told in read.json["sheets"]] == [8, 8]
    assert read.json["agreement"][0]["rows"] == 8
    assert 0 < read.json["agreement"][0]["kappa"] < 1
