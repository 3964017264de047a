"""`lfw choose`: several base models answer ten questions, and a judge ranks them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation import choosing_questions
from tests.conftest import SAMPLE, Lfw
from tests.evaluation.judges.conftest import Server, server
from tests.evaluation.judges.test_judging import ALL_FOURS

__all__ = ["server"]


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    from tests.tiny_model import make_tiny_model

    rows, folder = sorted(SAMPLE.glob("*.json*")), tmp_path_factory.mktemp("candidates")
    return [make_tiny_model(folder / place / "tiny", rows, seed=seed) for seed, place in enumerate("ab")]


@pytest.mark.parametrize("name", ["medical_zh", "medical_en"])
def test_the_packaged_lists_hold_ten_questions_each_with_what_a_good_answer_says(name: str) -> None:
    asked = choosing_questions(name)
    assert len({one.messages[-1]["content"] for one in asked}) == 10
    assert all(one.reference.strip() for one in asked)


@pytest.mark.parametrize("text", ["questions: []", "[1, 2]", "questions: [{question: what?}]", "questions: [a", "{}"])
def test_a_file_that_is_no_list_of_questions_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError, match=r"mine\.yaml is not a list of questions") as error:
        choosing_questions(str(tmp_path / "mine.yaml"))
    assert "reference" in str(error.value.fix)


def test_models_answer_side_by_side_and_a_judge_ranks_them(
    lfw: Lfw, candidates: list[Path], server: Server, tmp_path: Path
) -> None:
    def says(prompt: str, times: int) -> str:
        return '{"better": "A"}' if "<answer_a>" in prompt else ALL_FOURS

    server.says = says
    judged = ("--url", server.url, "--judge", "judge-1", "--max-new-tokens=4", "--json")
    dry = lfw("choose", *candidates, *judged, "--dry-run")
    assert dry.code == 0, dry.err
    assert dry.json["dry_run"]["medical_zh"]["calls"] == 2 * 10 + 2 * 10
    assert server.asked == []
    ran = lfw("choose", *candidates, *judged)
    assert ran.code == 0, ran.err
    assert ran.json["models"] == {f"tiny-{place}": str(one) for place, one in enumerate(candidates, 1)}
    assert [set(one["answers"]) for one in ran.json["questions"]] == [{"tiny-1", "tiny-2"}] * 10
    assert "青霉素" in ran.err
    ranking = ran.json["judged"]["medical_zh"]["ranking"]
    assert [one["rating"] for one in ranking] == [1000, 1000], "who stands first wins: in both orders that is a tie"
    written = tmp_path / ran.json["folder"] / "judged/tiny-1+tiny-2.json"
    assert json.loads(written.read_text(encoding="utf-8")) == ran.json["judged"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["a"], 2, "at least two MODELs"),
        (["a", "a"], 2, "each once"),
        (["a", "b", "--judge=x"], 2, "--url and --judge together"),
        (["a", "b", "--questions=medical_fr"], 1, "there is no question list 'medical_fr'"),
    ],
)
def test_what_cannot_be_asked_is_said(lfw: Lfw, arguments: list[str], code: int, said: str) -> None:
    ran = lfw("choose", *arguments)
    assert (ran.code, said in ran.err) == (code, True), ran.err
