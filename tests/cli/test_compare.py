"""`lfw compare`: runs side by side on the questions that all of them were asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Lfw
from tests.runs import evaluated_run, question_set

RIGHT, WRONG = ["right"] * 40, ["wrong"] * 40


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Three runs: the first gets 10 of 40 right, the second 30, the third 12 and was asked only 35 of the questions."""
    med = question_set("med", RIGHT)
    fewer = question_set("med", RIGHT[:35])
    answered = {
        "rank8": (med, ["right"] * 10 + ["wrong"] * 30, 8),
        "rank64": (med, ["right"] * 30 + ["wrong"] * 10, 64),
        "rank4": (fewer, ["right"] * 12 + ["wrong"] * 23, 4),
    }
    return [
        evaluated_run(
            tmp_path / name,
            [asked],
            {"base": {"med": WRONG[: len(tuned)]}, "tuned": {"med": tuned}},
            name=name,
            train={"lora_rank": rank, "learning_rate": 1e-4},
        )
        for name, (asked, tuned, rank) in answered.items()
    ]


def test_two_runs_differ_in_settings_and_scores(lfw: Lfw, runs: list[Path]) -> None:
    ran = lfw("compare", *runs[:2], "--json")
    assert ran.code == 0, ran.err
    assert ran.json["settings"] == {"train.lora_rank": [8, 64]}
    (found,) = ran.json["comparisons"]
    assert (found["model"], found["against"]) == ("rank64", "rank8")
    score = found["scores"]["med"]["exact match"]
    assert (score["base"], score["tuned"], score["n"], score["verdict"]) == (0.25, 0.75, 40, "better")
    assert score["interval"][0] > 0
    assert ran.json["ranking"][0]["model"] == "rank64"


def test_only_questions_that_all_were_asked_count(lfw: Lfw, runs: list[Path]) -> None:
    ran = lfw("compare", *runs, "--json")
    assert ran.code == 0, ran.err
    scores = {found["model"]: found["scores"]["med"]["exact match"] for found in ran.json["comparisons"]}
    assert {score["n"] for score in scores.values()} == {35}
    assert scores["rank4"]["verdict"] == "cannot tell"
    assert "rows would tell" in scores["rank4"]["why"]
    assert "mean rank over the headline metrics: rank64 1, rank4 2, rank8 3" in ran.err
    assert scores["rank64"]["p_corrected"] == pytest.approx(2 * scores["rank64"]["p"]), "two comparisons were made"


def test_one_run_is_its_base_against_its_tuned_model(lfw: Lfw, runs: list[Path]) -> None:
    ran = lfw("compare", runs[1])
    assert ran.code == 0, ran.err
    assert "med (40)" in ran.out
    assert "75.0 % +75.0 [" in ran.out
    assert "exact match: rank64 is better at n = 40: 30 of 40 answers improved, 0 got worse" in ran.out


def test_runs_of_one_recipe_go_by_their_folders(lfw: Lfw, tmp_path: Path) -> None:
    med = question_set("med", RIGHT)
    made = [evaluated_run(tmp_path / name, [med], {"base": {"med": WRONG}, "tuned": {"med": WRONG}}) for name in "ab"]
    ran = lfw("compare", *made, "--json")
    assert ran.json["models"] == ["mine/a", "mine/b"]
    assert ran.json["comparisons"][0]["scores"]["med"]["exact match"]["why"] == "all 40 answers score the same"


def test_what_cannot_be_compared_is_told(lfw: Lfw, runs: list[Path], tmp_path: Path) -> None:
    other = evaluated_run(
        tmp_path / "other",
        [question_set("med", RIGHT, question="another {}?")],
        {"base": {"med": WRONG}, "tuned": {"med": RIGHT}},
        name="other",
    )
    (tmp_path / "untested").mkdir()
    (tmp_path / "untested/recipe.yaml").write_text("name: untested\n", encoding="utf-8")
    for arguments, says in (
        ([runs[0], other], "not asked one question in common"),
        ([runs[0], runs[0]], "the same run is named twice"),
        ([runs[0], tmp_path / "nowhere"], "is no run folder"),
        ([runs[0], tmp_path / "untested"], "was not evaluated"),
    ):
        ran = lfw("compare", *arguments)
        assert (ran.code, says in ran.err) == (1, True), ran.err
        assert "Traceback" not in ran.err
