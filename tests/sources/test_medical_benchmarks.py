"""CHIP-CDN, PromptCBLUE and multiple-choice examinations."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources import Source, all_sources, source_named

CDN = {"text": "右肺占位转移", "normalized_result": "肺占位性病变##肺继发恶性肿瘤"}
TASK: dict[str, Any] = {
    "input": "头疼，发热\n这是什么意图？\n答：",
    "target": "病情诊断",
    "answer_choices": None,
    "task_type": "cls",
    "task_dataset": "KUAKE-QIC",
    "sample_id": "train-1",
}
CHOICE = {"id": "0", "question": "正常体温约为____", "A": "35℃", "B": "37℃", "C": "39℃", "D": "41℃", "answer": "B"}
MEDQA = {"question": "Which is normal?", "answer": "37 C", "options": {"A": "35 C", "B": "37 C"}, "answer_idx": "B"}
CMB = {"question": "发热有", "answer": "BC", "option": {"A": "37℃", "B": "39℃", "C": "41℃", "D": ""}}
CMEXAM: dict[str, Any] = {"Question": "正常体温约为____", "Options": "A 35℃\nB 37℃", "Answer": "B", "Explanation": "…"}
OPTIONS = "A. 35℃\nB. 37℃\nC. 39℃\nD. 41℃"


def recognised(row: dict[str, Any]) -> type[Source]:
    return next(source for source in all_sources() if source.fits(row))


def test_chip_cdn_asks_as_term_normalization_does() -> None:
    term = source_named("term_normalization")()
    same = term.read({"原始词": CDN["text"], "标准词": CDN["normalized_result"]})
    assert source_named("chip_cdn")().read(CDN) == same
    assert isinstance(same, Conversation)
    assert (same.asked, same.answer) == ("右肺占位转移", "肺占位性病变##肺继发恶性肿瘤")
    assert source_named("chip_cdn").task == term.task == "normalization"


def test_promptcblue_brings_the_whole_question() -> None:
    assert source_named("promptcblue")().read(TASK) == Conversation.single(TASK["input"], "病情诊断")


@pytest.mark.parametrize(
    ("row", "question", "options", "answer"),
    [
        (CHOICE, "正常体温约为____", OPTIONS, "B"),
        (CHOICE | {"explanation": "36 至 37℃。", "answer": "b "}, "正常体温约为____", OPTIONS, "B"),
        (CHOICE | {"E": "43℃", "answer": "E"}, "正常体温约为____", f"{OPTIONS}\nE. 43℃", "E"),
        (CHOICE | {"A": 3.0, "B": 37, "C": "", "D": None}, "正常体温约为____", "A. 3\nB. 37", "B"),
        (MEDQA, "Which is normal?", "A. 35 C\nB. 37 C", "B"),
        (MEDQA | {"answer_idx": None}, "Which is normal?", "A. 35 C\nB. 37 C", "B"),
        (CMB, "发热有", "A. 37℃\nB. 39℃\nC. 41℃", "BC"),
        (CMEXAM, "正常体温约为____", "A. 35℃\nB. 37℃", "B"),
        (
            CMEXAM | {"Options": [{"key": "A", "value": "x"}, {"key": "B", "value": "y"}]},
            "正常体温约为____",
            "A. x\nB. y",
            "B",
        ),
        (CMEXAM | {"Options": ["x", "y"], "Answer": "A，B"}, "正常体温约为____", "A. x\nB. y", "AB"),
    ],
)
def test_a_choice_is_asked_with_its_options(row: dict[str, Any], question: str, options: str, answer: str) -> None:
    expected = Conversation.single(f"{question}\n{options}\n答案：", answer, asked=f"{question}\n{options}")
    assert source_named("multiple_choice")().read(row) == expected
    assert recognised(row) is source_named("multiple_choice")


@pytest.mark.parametrize(
    ("source", "row", "reason"),
    [
        ("chip_cdn", CDN | {"normalized_result": ""}, "no answer"),
        ("chip_cdn", CDN | {"text": None}, "no question"),
        ("chip_cdn", {"text": "x", "label": "y"}, "missing column"),
        ("promptcblue", TASK | {"target": ""}, "no answer"),
        ("promptcblue", TASK | {"input": " "}, "no question"),
        ("multiple_choice", CHOICE | {"answer": ""}, "no answer"),
        ("multiple_choice", CHOICE | {"question": ""}, "no question"),
        ("multiple_choice", CHOICE | {"answer": "E"}, "not this shape"),
        ("multiple_choice", CHOICE | {"answer": "AE"}, "not this shape"),
        ("multiple_choice", CHOICE | {"B": ""}, "not this shape"),
    ],
)
def test_a_row_that_cannot_train_says_why(source: str, row: dict[str, Any], reason: str) -> None:
    result = source_named(source)().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason
