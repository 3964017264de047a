"""The Alpaca layout and what people made of it."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import all_sources, source_named

ROW = {"instruction": "翻译成英文", "input": "早上好", "output": "Good morning"}
EARLIER = (Turn("user", "你好"), Turn("assistant", "请讲"))
LAST = (Turn("user", "翻译成英文\n早上好"), Turn("assistant", "Good morning"))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW, Conversation(LAST)),
        (ROW | {"input": ""}, Conversation.single("翻译成英文", "Good morning")),
        (ROW | {"instruction": None}, Conversation.single("早上好", "Good morning")),
        (ROW | {"system": "你是译者"}, Conversation(LAST, "你是译者")),
        # the last rows of CMtMedQA
        ({"instruct": "头疼吃什么药", "output": "请先就诊。"}, Conversation.single("头疼吃什么药", "请先就诊。")),
        # huatuo26M
        (
            {"id": "", "instruction": ["头疼吃什么药"], "input": "", "output": ["请先就诊。"]},
            Conversation.single("头疼吃什么药", "请先就诊。"),
        ),
        # an opening question is the group, so that no cut of a dialogue is tested on another
        (ROW | {"history": [["你好", "请讲"]]}, Conversation((*EARLIER, *LAST), group="你好")),
        (ROW | {"history": []}, Conversation(LAST, group="翻译成英文\n早上好")),
        (
            ROW
            | {
                "history": [
                    {"role": "system", "content": "你是译者"},
                    {"role": "user", "content": "你好"},
                    {"role": "assistant", "content": "请讲"},
                ]
            },
            Conversation((*EARLIER, *LAST), "你是译者", group="你好"),
        ),
        # Dolly, GPTeacher's roleplay, Zhihu-KOL
        ({"instruction": "翻译成英文", "context": "早上好", "response": "Good morning"}, Conversation(LAST)),
        ({"instruction": "翻译成英文", "input": "早上好", "response": "Good morning"}, Conversation(LAST)),
        ({"instruction": "翻译成英文", "question": "早上好", "answer": "Good morning"}, Conversation(LAST)),
        ({"INSTRUCTION": "q", "RESPONSE": "a", "SOURCE": "Zhihu"}, Conversation.single("q", "a")),
        (ROW | {"output": 3.0}, Conversation.single("翻译成英文\n早上好", "3")),
    ],
)
def test_a_row_becomes_a_conversation(row: dict[str, Any], expected: Conversation) -> None:
    assert source_named("alpaca").fits(row)
    assert source_named("alpaca")().read(row) == expected


def test_two_names_for_the_answer_are_ambiguous_and_messages_come_before_columns() -> None:
    row = {"instruction": "q", "response": "a"}
    assert not source_named("alpaca").fits(row | {"answer": "b"})
    chat = row | {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}  # Magpie
    assert next(source for source in all_sources() if source.fits(chat)).name == "sharegpt"


def test_several_answers_are_several_conversations_of_one_group() -> None:
    answers = ["请先就诊。", "", "多休息。"]
    assert source_named("alpaca")().read({"instruction": ["头疼"], "input": "", "output": answers}) == [
        Conversation((Turn("user", "头疼"), Turn("assistant", answer)), group="头疼")
        for answer in ("请先就诊。", "多休息。")
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW | {"output": None}, "no answer"),
        (ROW | {"output": float("nan")}, "no answer"),
        (ROW | {"output": []}, "no answer"),
        (ROW | {"output": [" ", None]}, "no answer"),
        (ROW | {"instruction": " ", "input": None}, "no question"),
        (ROW | {"output": {"text": "Good morning"}}, "not this shape"),
        (ROW | {"output": [["Good", "morning"]]}, "not this shape"),
        (ROW | {"instruction": ["one", "two"]}, "not this shape"),
        (ROW | {"history": "once"}, "not this shape"),
        (ROW | {"history": [["only a question"]]}, "not this shape"),
        (ROW | {"history": [{"role": "tool", "content": "42"}]}, "unknown role"),
        ({"instruction": "x", "input": "y"}, "missing column"),
        ("just text", "not this shape"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: Any, reason: str) -> None:
    result = source_named("alpaca")().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason
