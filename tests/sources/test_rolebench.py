"""RoleBench: a question to a role, answered once or several times."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import SOURCES
from lf_wrap.sources.rolebench import RoleBench

ROW = {"role": "Ada", "question": "What is an engine?", "generated": ["A loom for numbers.", " A patient friend. "]}
ASKED = Turn("user", "What is an engine?")
GROUP = "Ada: What is an engine?"


def test_each_answer_is_a_conversation_of_one_group() -> None:
    assert RoleBench().read(ROW) == [
        Conversation((ASKED, Turn("assistant", "A loom for numbers.")), "You are Ada.", group=GROUP),
        Conversation((ASKED, Turn("assistant", "A patient friend.")), "You are Ada.", group=GROUP),
    ]


@pytest.mark.parametrize(
    ("more", "prompt", "system"),
    [
        ({"desc": "{{char}} counts."}, None, "Ada counts."),
        ({"profile": "A countess."}, "你是{role}。", "A countess."),
        ({"desc": None, "profile": " "}, "你是{role}。", "你是Ada。"),
        ({}, "", ""),
    ],
)
def test_the_system_text_is_the_rows_profile_or_else_the_prompt(
    more: dict[str, Any], prompt: str | None, system: str
) -> None:
    result = RoleBench(prompt).read(ROW | more | {"generated": "One answer."})
    assert result == [Conversation((ASKED, Turn("assistant", "One answer.")), system, group=GROUP)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW | {"generated": []}, "no answer"),
        (ROW | {"generated": ["", None]}, "no answer"),
        (ROW | {"question": ""}, "no question"),
        (ROW | {"role": None}, "not this shape"),
        ({"role": "Ada", "question": "x"}, "missing column"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: dict[str, Any], reason: str) -> None:
    result = RoleBench().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


def test_its_rows_are_recognised() -> None:
    assert next(source for source in SOURCES if source.fits(ROW)) is RoleBench
