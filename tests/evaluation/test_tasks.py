"""Each task turns an answer and its references into numbers that its metrics say how to read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lf_wrap.errors import UserError
from lf_wrap.evaluation import task_named
from lf_wrap.evaluation.tasks import Contains, Exact, Open, Regex, Report
from lf_wrap.evaluation.tasks.report import REPORT_FIELDS, parsed_report
from lf_wrap.evaluation.tasks.task import AnswerTask, Reply

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
    assert Exact().score(answer, "单侧卵巢切除术") == {"exact match": score}


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
    scores = Report().score(answer, REFERENCE)
    assert scores["fields right"] == pytest.approx(right / 6)
    assert sum(scores[field] for field in REPORT_FIELDS) == right
    assert scores["valid JSON"] == 1.0


def test_of_two_reports_the_nearer_one_counts_as_a_whole() -> None:
    """Where neither has more fields right, ROUGE-L says which is nearer."""
    other = json.dumps(WANTED | {"主诉": "咳嗽", "诊断": "支气管炎"}, ensure_ascii=False)
    answer = json.dumps(WANTED | {"主诉": "咳嗽", "诊断": "肺炎", "建议": "休息"}, ensure_ascii=False)
    judged = Report().judge(Reply(answer), [REFERENCE, other]).scores
    assert judged == Report().score(answer, other)
    assert (judged["fields right"], judged["all fields right"]) == (pytest.approx(4 / 6), 0.0)
    wrong = json.dumps(dict.fromkeys(REPORT_FIELDS, "支气管炎"), ensure_ascii=False)
    assert Report().judge(Reply(wrong), [REFERENCE, other.replace("多喝水", "用药")]).scores["诊断"] == 1.0


def test_a_field_that_is_left_out_is_not_right() -> None:
    kept = {field: text for field, text in WANTED.items() if field != "诊断"}
    scores = Report().score(json.dumps(kept, ensure_ascii=False), REFERENCE)
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
    scores = Report().score(answer, REFERENCE)
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
    assert Open().score(answer, reference)["chrF"] == pytest.approx(score, abs=1e-6)


def test_a_nearer_answer_scores_higher() -> None:
    reference = "建议您去医院做血常规检查"
    answers = ["建议您去医院做血常规检查", "建议去医院检查血常规", "去医院", "多喝水"]
    scores = [Open().score(answer, reference)["chrF"] for answer in answers]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


@pytest.mark.parametrize("task", [Exact(), Contains(), Regex(), Report(), Open()], ids=lambda task: task.name)
@settings(deadline=None)
@given(answer=st.text(), reference=st.text())
def test_every_score_is_within_what_its_metric_says(task: AnswerTask, answer: str, reference: str) -> None:
    scored = task.judge(Reply(answer), [reference])
    assert scored.scores.keys() == {name for name, metric in task.metrics.items() if not metric.corpus}
    assert task.headline in task.metrics
    for name, score in scored.scores.items():
        metric = task.metrics[name]
        assert metric.unit != "%" or 0 <= score <= 1
        assert not metric.counted or score in {0.0, 1.0}


def test_of_several_references_the_nearest_counts() -> None:
    near, far = json.dumps(WANTED | {"诊断": "肺炎"}), json.dumps(dict.fromkeys(REPORT_FIELDS, "错"))
    assert Report().judge(Reply(REFERENCE), [far, near]).scores["fields right"] == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("answer", "reference", "contained"),
    [
        ("答案是北京。", "北京", 1.0),
        ("The capital is PARIS.", "paris", 1.0),
        ("Ｈ２Ｏ", "h2o", 1.0),
        ("水的化学式是 H2O", "氧化氢\nH2O", 1.0),
        ("我不知道", "北京\nBeijing", 0.0),
        ("", "北京", 0.0),
    ],
)
def test_an_answer_may_hold_the_reference(answer: str, reference: str, contained: float) -> None:
    assert Contains().score(answer, reference) == {"contained": contained}


@pytest.mark.parametrize(
    ("pattern", "answer", "scores"),
    [
        (r"答案是?\s*([A-D])", "我想答案是 B。", (1.0, 1.0)),
        (r"答案是?\s*([A-D])", "我想答案是 C。", (0.0, 1.0)),
        (r"答案是?\s*([A-D])", "B", (0.0, 0.0)),
        (r"[A-D]", "选B吧", (1.0, 1.0)),
        (r"(?:(x)|B)", "B", (0.0, 1.0)),
    ],
)
def test_a_pattern_finds_what_the_answer_says(pattern: str, answer: str, scores: tuple[float, float]) -> None:
    assert tuple(Regex(pattern).score(answer, "B").values()) == scores


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="not a regular expression"):
        task_named("regex", pattern="(")


@pytest.mark.parametrize(("name", "fix"), [("regex", "did you mean 'pattern'?"), ("exact", "leave it out")])
def test_a_switch_that_a_task_does_not_have_is_refused(name: str, fix: str) -> None:
    with pytest.raises(UserError, match="has no switch 'patern'") as error:
        task_named(name, patern="B")
    assert error.value.fix == fix


def test_an_unknown_task_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no task 'exakt'") as error:
        task_named("exakt")
    assert error.value.fix == "did you mean 'exact'?"
