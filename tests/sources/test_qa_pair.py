"""A question and an answer under any of their usual names."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources import source_named


@pytest.mark.parametrize("question", ["question", "query", "ask", "prompt", "问题", "提问"])
@pytest.mark.parametrize("answer", ["answer", "response", "reply", "raw_anwser", "raw_answer", "答案", "回答"])
def test_either_goes_by_many_names(question: str, answer: str) -> None:
    row = {"id": "0-1", "department": "儿科", question: "发烧怎么办", answer: "多喝水。"}
    assert source_named("qa_pair").fits(row)
    assert source_named("qa_pair")().read(row) == Conversation.single("发烧怎么办", "多喝水。")


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
    ],
)
def test_a_row_that_cannot_train_says_why(row: dict[str, Any], reason: str) -> None:
    result = source_named("qa_pair")().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


def test_answers_that_are_not_text_belong_to_another_layout() -> None:
    assert not source_named("qa_pair").fits({"question": "x", "reply": [{"role": "Ada", "content": "y"}]})
