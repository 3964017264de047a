"""A question and an answer under any of their usual names."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import source_named


@pytest.mark.parametrize(
    "question", ["question", "query", "ask", "prompt", "user", "input", "问题", "問題", "Question"]
)
@pytest.mark.parametrize(
    "answer", ["answer", "response", "reply", "raw_anwser", "assistant", "output", "回答", "回覆", "Response"]
)
def test_either_goes_by_many_names(question: str, answer: str) -> None:
    row = {"id": "0-1", "department": "儿科", question: "发烧怎么办", answer: "多喝水。"}
    assert source_named("qa_pair").fits(row)
    assert source_named("qa_pair")().read(row) == Conversation.single("发烧怎么办", "多喝水。")


@pytest.mark.parametrize(
    "history", [[["你好", "请讲"]], [{"role": "user", "content": "你好"}, {"role": "bot", "content": "请讲"}]]
)
@pytest.mark.parametrize("system", ["system", "system_prompt"])
def test_a_system_text_and_earlier_turns_beside_them_are_part_of_it(history: list[Any], system: str) -> None:
    row = {system: "你是医生", "query": "发烧怎么办", "response": "多喝水。", "history": history}
    said = (Turn("user", "你好"), Turn("assistant", "请讲"), Turn("user", "发烧怎么办"), Turn("assistant", "多喝水。"))
    assert source_named("qa_pair").fits(row)
    assert source_named("qa_pair")().read(row) == Conversation(said, "你是医生", group="你好")


def test_patient_and_doctor_are_question_and_answer_unless_these_stand_beside_them() -> None:
    row = {"Description": "d", "Patient": "q", "Doctor": "a"}  # ai-medical-chatbot
    named = {"patient": "p1", "doctor": "Dr Li", "query": "q", "response": "a"}
    for one in (row, named):
        assert source_named("qa_pair").fits(one)
        assert source_named("qa_pair")().read(one) == Conversation.single("q", "a")


def test_medical_r1_distill_names_its_columns_after_the_keys_of_the_api() -> None:
    row = {"question": "q", "reasoning (reasoning_content)": "t", "response (content)": "a"}
    assert source_named("qa_pair").fits(row)
    assert source_named("qa_pair")().read(row) == Conversation.single("q", "<think>\nt\n</think>\n\na")


def test_a_row_with_two_questions_is_taken_for_nothing() -> None:
    assert not source_named("qa_pair").fits({"prompt": "x", "input": "y", "output": "z"})


def test_the_plain_name_counts_where_a_row_has_two() -> None:
    row = {"question": "q", "prompt": "p", "raw_answer": "r", "answer": "a"}
    assert source_named("qa_pair")().read(row) == Conversation.single("q", "a")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": "x", "reply": ""}, "no answer"),
        ({"question": float("nan"), "reply": "y"}, "no question"),
        ({"question": "x", "reply": [{"role": "Ada", "content": "y"}]}, "not this shape"),
        ({"question": "x"}, "missing column"),
        ({"question": "x", "answer": "y", "history": "z"}, "not this shape"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: dict[str, Any], reason: str) -> None:
    result = source_named("qa_pair")().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


def test_answers_that_are_not_text_belong_to_another_layout() -> None:
    assert not source_named("qa_pair").fits({"question": "x", "reply": [{"role": "Ada", "content": "y"}]})
