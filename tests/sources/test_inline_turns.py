"""Dialogues whose earlier turns stand in the instruction."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import all_sources, source_named

LATER = {"instruction": " <user>: 肝区疼 <bot>: 多久了？ <user>: 三天", "output": "请查B超。", "id": 7, "input": ""}
FIRST = {"instruction": " <user>: 肝区疼", "output": "多久了？", "input": ""}
OPENING = (Turn("user", "肝区疼"), Turn("assistant", "多久了？"))


def test_the_turns_come_apart_and_a_dialogue_is_one_group_however_long() -> None:
    read = source_named("inline_turns")().read
    assert read(FIRST) == Conversation(OPENING, group="肝区疼")
    assert read(LATER) == Conversation((*OPENING, Turn("user", "三天"), Turn("assistant", "请查B超。")), group="肝区疼")


@pytest.mark.parametrize(
    ("row", "fits"), [(LATER, True), (FIRST, True), (FIRST | {"instruction": "what is a <user> tag?"}, False)]
)
def test_only_rows_with_the_marker_fit(row: dict[str, Any], fits: bool) -> None:
    assert source_named("inline_turns").fits(row) is fits


def test_belles_chats_name_human_and_assistant_and_end_where_it_is_to_speak() -> None:
    row = {
        "instruction": "Human:肝区疼\nAssistant:多久了？\nHuman:三天\nAssistant:\n",
        "input": "",
        "output": "请查B超。",
    }
    assert next(source for source in all_sources() if source.fits(row)).name == "human_assistant"
    assert source_named("human_assistant")().read(row) == source_named("inline_turns")().read(LATER)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (LATER | {"output": None}, "no answer"),
        (FIRST | {"instruction": " <user>: "}, "no question"),
        (FIRST | {"instruction": " <user>: a <bot>: b"}, "no question"),
        (FIRST | {"instruction": "肝区疼"}, "not this shape"),
        (FIRST | {"instruction": "前言 <user>: 肝区疼"}, "not this shape"),
        ({"instruction": " <user>: a"}, "missing column"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: dict[str, Any], reason: str) -> None:
    result = source_named("inline_turns")().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason
