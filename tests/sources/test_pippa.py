"""PIPPA: logged chats with characters."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import SOURCES
from lf_wrap.sources.pippa import Pippa

ROW = {
    "submission_timestamp": 1674783531000,
    "categories": ["Science"],
    "bot_id": "b1",
    "bot_name": "Ada",
    "bot_greeting": "Good evening, {{user}}.",
    "bot_definitions": "{{char}}: I count.\n{{random_user_1}}: Count me in.",
    "bot_description": "Countess of numbers.",
    "conversation": [
        {"message": "Good evening, {{user}}.", "is_human": False},
        {"message": "Who are you, <BOT>? ", "is_human": True},
        {"message": "", "is_human": True},
        {"message": "{{char}} of course.", "is_human": False},
    ],
}
SYSTEM = "Countess of numbers.\nAda: I count.\nUser: Count me in."
GREETING = Turn("assistant", "Good evening, User.")
TALK = (Turn("user", "Who are you, Ada?"), Turn("assistant", "Ada of course."))


def test_the_description_and_definitions_are_the_system_text_and_the_greeting_stays_first() -> None:
    assert Pippa().read(ROW) == Conversation((GREETING, *TALK), SYSTEM)


def test_the_parquet_edition_keeps_a_conversation_by_column() -> None:
    messages = ROW["conversation"]
    assert isinstance(messages, list)
    by_column = {key: [message[key] for message in messages] for key in ("message", "is_human")}
    assert Pippa().read(ROW | {"conversation": by_column}) == Pippa().read(ROW)


def test_a_greeting_that_the_log_leaves_out_is_put_in_front() -> None:
    messages = ROW["conversation"]
    assert isinstance(messages, list)
    assert Pippa().read(ROW | {"conversation": messages[1:]}) == Pippa().read(ROW)


def test_a_bot_that_is_not_described_has_no_system_text() -> None:
    row = {"bot_name": "Ada", "conversation": ROW["conversation"], "bot_description": None}
    assert Pippa().read(row) == Conversation((GREETING, *TALK))


SAID = {"message": "Hi", "is_human": True}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW | {"conversation": []}, "no question"),
        (ROW | {"conversation": [SAID | {"is_human": False}]}, "no question"),
        (ROW | {"conversation": [SAID]}, "no answer"),
        (ROW | {"conversation": None}, "not this shape"),
        (ROW | {"conversation": ["Hi"]}, "not this shape"),
        (ROW | {"conversation": [{"message": "Hi"}]}, "not this shape"),
        (ROW | {"conversation": {"message": ["Hi"], "is_human": []}}, "not this shape"),
        ({"bot_name": "Ada"}, "missing column"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: dict[str, Any], reason: str) -> None:
    result = Pippa().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


def test_its_rows_are_recognised() -> None:
    assert next(source for source in SOURCES if source.fits(ROW)) is Pippa
