"""Chats as lists of messages: ShareGPT's {from, value} and OpenAI's {role, content}."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import source_named

SINGLE = Conversation((Turn("user", "你好"), Turn("assistant", "请讲")))
Said = tuple[str, Any]


def sharegpt(*said: Said) -> list[dict[str, Any]]:
    return [{"from": role, "value": words} for role, words in said]


def openai(*said: Said) -> list[dict[str, Any]]:
    return [{"role": role, "content": words} for role, words in said]


@pytest.mark.parametrize(
    ("source", "row", "expected"),
    [
        # Gryphe/Sonnet3.5-Charcard-Roleplay
        (
            "sharegpt",
            {"conversations": sharegpt(("system", "You are Ada. "), ("human", "\nHi"), ("gpt", "*nods* Hello."))},
            Conversation((Turn("user", "Hi"), Turn("assistant", "*nods* Hello.")), "You are Ada."),
        ),
        # rica40325/9.8feedback
        (
            "sharegpt",
            {"conversations": sharegpt(("system", "Be Ada."), ("user", "你好"), ("assistant", "请讲"))},
            Conversation(SINGLE.turns, "Be Ada."),
        ),
        # medical_treatment, and as LLaMA-Factory's course has it
        ("sharegpt", {"id": "identity_0", "conversations": sharegpt(("user", "你好"), ("assistant", "请讲"))}, SINGLE),
        (
            "sharegpt",
            {"conversations": sharegpt(("human", "你好"), ("gpt", "请讲")), "system": " ", "tools": " "},
            SINGLE,
        ),
        (
            "sharegpt",
            {"conversation": sharegpt(("client", "你好"), ("bot", "请讲")), "system": "医生"},
            Conversation(SINGLE.turns, "医生"),
        ),
        # DISC-MedLLM
        ("openai", {"_id": "1", "conversation": openai(("user", "你好"), ("assistant", "请讲"))}, SINGLE),
        (
            "openai",
            {"messages": openai(("system", "医生"), ("user", [{"type": "text", "text": "你好"}]), ("model", "请讲"))},
            Conversation(SINGLE.turns, "医生"),
        ),
        ("openai", {"conversations": openai(("User", "你好"), ("Assistant", "请讲"))}, SINGLE),
        ("openai", {"messages": openai(("patient", "你好"), ("doctor", "请讲"))}, SINGLE),
        (
            "openai",
            {"messages": openai(("developer", "医生"), ("user", "你好"), ("assistant", "请讲"))},
            Conversation(SINGLE.turns, "医生"),
        ),
        # what nobody answered is left for the cleaning to drop; what nobody said is left out here
        (
            "openai",
            {"messages": openai(("user", "你好"), ("assistant", "请讲"), ("user", "嗯"))},
            Conversation((*SINGLE.turns, Turn("user", "嗯"))),
        ),
        ("sharegpt", {"conversations": sharegpt(("human", None), ("human", "你好"), ("gpt", "请讲"))}, SINGLE),
    ],
)
def test_messages_become_turns(source: str, row: dict[str, Any], expected: Conversation) -> None:
    other = {"sharegpt": "openai", "openai": "sharegpt"}[source]
    assert source_named(source).fits(row)
    assert not source_named(other).fits(row)
    assert source_named(source)().read(row) == expected


@pytest.mark.parametrize(
    ("said", "reason", "detail"),
    [
        ([("user", "a"), ("tool", "42"), ("assistant", "b")], "unknown role", "tool"),
        ([("user", "a"), ("assistant", None)], "no answer", "the last answer is empty"),
        ([("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", float("nan"))], "no answer", "last answer"),
        ([("user", "a")], "no answer", "assistant"),
        ([("user", " "), ("assistant", "b")], "no question", "user"),
        ([], "no question", "user"),
        ([("user", "a"), ("system", "b"), ("assistant", "c")], "not this shape", "message 2"),
        ([("user", {"text": "a"}), ("assistant", "b")], "not this shape", "message 1 is not text"),
        ([("user", [{"type": "image_url"}]), ("assistant", "b")], "not this shape", "message 1 is not text"),
    ],
)
def test_a_chat_that_cannot_train_says_why(said: list[Said], reason: str, detail: str) -> None:
    rows = {"sharegpt": {"conversations": sharegpt(*said)}, "openai": {"messages": openai(*said)}}
    for source, row in rows.items():
        result = source_named(source)().read(row)
        assert isinstance(result, Reject)
        assert result.reason == reason
        assert detail in result.detail


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"conversations": "a: b"}, "not this shape"),
        ({"conversations": ["a", "b"]}, "not this shape"),
        ({"conversations": [{"role": "user", "content": "a"}]}, "not this shape"),
        ({"dialog": []}, "missing column"),
    ],
)
def test_what_is_no_list_of_messages_is_rejected(row: dict[str, Any], reason: str) -> None:
    assert not source_named("sharegpt").fits(row)
    result = source_named("sharegpt")().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


@pytest.mark.parametrize(
    ("name", "row"),
    [
        (
            "openai",
            {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "no"}], "label": 0},
        ),
        ("alpaca", {"instruction": "hi", "output": "no", "kto_tag": 0}),
    ],
)
def test_answers_that_kto_is_to_unlearn_are_not_learned(name: str, row: dict[str, Any]) -> None:
    mark = list(row)[-1]
    assert isinstance(source_named(name)().read(row | {mark: True}), Conversation)
    assert source_named(name)().read(row | {mark: False}) == Reject("unwanted answer", f"{mark} is false")
