"""Chats as lists of exchanges, in the true shapes of Firefly's MOSS data and of XTuner."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import all_sources, source_named

TURNS = (Turn("user", "你好"), Turn("assistant", "请讲"), Turn("user", "头疼"), Turn("assistant", "多休息。"))
MOSS: dict[str, Any] = {
    "conversation_id": 1,
    "category": "Brainstorming",
    "conversation": [{"human": "你好", "assistant": "请讲"}, {"human": "头疼", "assistant": "多休息。"}],
}


@pytest.mark.parametrize(
    ("row", "system"),
    [
        (MOSS, ""),
        ({"messages": [{"question": "你好", "answer": "请讲"}, {"question": "头疼", "answer": "多休息。"}]}, ""),
        (
            {
                "conversation": [
                    {"system": "你是医生", "input": "你好", "output": "请讲"},
                    {"input": "头疼", "output": "多休息。"},
                ]
            },
            "你是医生",
        ),
    ],
)
def test_exchanges_become_turns(row: dict[str, Any], system: str) -> None:
    assert next(source for source in all_sources() if source.fits(row)).name == "paired_turns"
    assert source_named("paired_turns")().read(row) == Conversation(TURNS, system)


@pytest.mark.parametrize(
    ("exchanges", "reason"),
    [
        ([{"human": "a", "assistant": ""}], "no answer"),
        ([{"human": "", "assistant": "b"}], "no question"),
        ([{"human": "a", "assistant": ["b"]}], "not this shape"),
        ([{"human": "a", "assistant": "b"}, {"human": "a", "assistant": "b", "system": "c"}], "not this shape"),
        ([{"human": "a"}], "not this shape"),
    ],
)
def test_a_row_that_cannot_train_says_why(exchanges: list[Any], reason: str) -> None:
    result = source_named("paired_turns")().read({"conversation": exchanges})
    assert isinstance(result, Reject)
    assert result.reason == reason
