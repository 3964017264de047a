"""Each task turns an answer and its reference into numbers between 0 and 1, where more is better."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lf_wrap.errors import UserError
from lf_wrap.evaluation import TASKS, task_named
from lf_wrap.evaluation.tasks import REPORT_FIELDS, parsed_report

WANTED = dict(zip(REPORT_FIELDS, ["咳嗽三天", "无发热", "血常规正常", "", "上呼吸道感染", "多喝水"], strict=True))
REFERENCE = json.dumps(WANTED, ensure_ascii=False)


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("单侧卵巢切除术", 1.0),
        ("  单侧卵巢切除术\n", 1.0),
        ("双侧卵巢切除术", 0.0),
        ("单侧卵巢切除术。", 0.0),
        ("", 0.0),
    ],
)
def test_an_exact_answer_is_the_reference_letter_by_letter(answer: str, score: float) -> None:
    assert TASKS["exact"].score(answer, "单侧卵巢切除术") == {"exact match": score}


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, 6),
        ({"主诉": " 咳嗽三天 "}, 6),
        ({"诊断": "肺炎"}, 5),
        ({"主诉": None, "诊断": "肺炎"}, 4),
        ({"既往史": "高血压"}, 5),
        (dict.fromkeys(REPORT_FIELDS, "错"), 0),
    ],
)
def test_a_report_is_scored_by_its_fields(changes: dict[str, str | None], right: int) -> None:
    answer = json.dumps(WANTED | changes, ensure_ascii=False)
    scores = TASKS["report"].score(answer, REFERENCE)
    assert scores["fields right"] == pytest.approx(right / 6)
    assert sum(scores[field] for field in REPORT_FIELDS) == right
    assert scores["valid JSON"] == 1.0


def test_a_field_that_is_left_out_is_not_right() -> None:
    kept = {field: text for field, text in WANTED.items() if field != "诊断"}
    scores = TASKS["report"].score(json.dumps(kept, ensure_ascii=False), REFERENCE)
    assert (scores["诊断"], scores["fields right"]) == (0.0, pytest.approx(5 / 6))


@pytest.mark.parametrize(
    "answer",
    [
        REFERENCE,
        f"```json\n{REFERENCE}\n```",
        f"```\n{REFERENCE}\n```",
        f"报告如下：\n```json\n{REFERENCE}\n```\n请核对。",
        json.dumps(WANTED, indent=2),
    ],
)
def test_a_report_may_stand_in_a_fence(answer: str) -> None:
    assert parsed_report(answer) == WANTED


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "我不知道",
        REFERENCE[:-1],
        "[1, 2]",
        '"主诉"',
        "null",
        "```json\n```",
        "1" * 5000,
        pytest.param("[" * 500_000, id="a model stuck on ["),
    ],
)
def test_what_is_no_json_object_has_no_field_right(answer: str) -> None:
    scores = TASKS["report"].score(answer, REFERENCE)
    assert set(scores.values()) == {0.0}


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("the cat sat", "the cat sat", 1.0),
        ("xyz", "the cat", 0.0),
        ("", "the cat", 0.0),
        # 我今天 has no 4-gram, so chrF averages orders 1 to 3: 2/3, 1/2 and 0 against 我今晚
        ("我今天", "我今晚", (2 / 3 + 1 / 2 + 0) / 3),
    ],
)
def test_a_free_answer_is_scored_by_its_overlap(answer: str, reference: str, score: float) -> None:
    assert TASKS["open"].score(answer, reference)["chrF"] == pytest.approx(score, abs=1e-6)


def test_a_nearer_answer_scores_higher() -> None:
    reference = "建议您去医院做血常规检查"
    answers = ["建议您去医院做血常规检查", "建议去医院检查血常规", "去医院", "多喝水"]
    scores = [TASKS["open"].score(answer, reference)["chrF"] for answer in answers]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


@pytest.mark.parametrize("name", TASKS)
@settings(deadline=None)
@given(answer=st.text(), reference=st.text())
def test_every_score_lies_between_0_and_1_under_the_same_names(name: str, answer: str, reference: str) -> None:
    task = TASKS[name]
    scores = task.score(answer, reference)
    assert all(0 <= score <= 1 for score in scores.values())
    assert scores.keys() == task.score("", "").keys() >= {task.headline, *task.counted}
    assert all(scores[metric] in {0.0, 1.0} for metric in task.counted)


def test_an_unknown_task_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no task 'exakt'") as error:
        task_named("exakt")
    assert error.value.fix == "did you mean 'exact'?"
