"""The names that roleplay rows leave open."""

from __future__ import annotations

import pytest

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.sources.openai_messages import OpenAiMessages
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.roleplay_tagged import RoleplayTagged
from lf_wrap.sources.sharegpt import ShareGpt


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{char}} greets {{user}}.", "Ada greets User."),
        ("{{Char}}, {{ USER }}, <BOT>, <bot>, <user>, <CHAR>", "Ada, User, Ada, Ada, User, Ada"),
        ("{{random_user_1}}: hi", "User: hi"),
        ("{char} <|user|> <START> {{original}}", "{char} <|user|> <START> {{original}}"),
        ("", ""),
    ],
)
def test_names_are_filled_in_however_they_are_written(text: str, filled: str) -> None:
    assert fill(text, char="Ada") == filled


def test_a_name_is_text_and_not_a_pattern_nor_filled_again() -> None:
    assert fill("{{char}} and {{user}}", user=r"\1", char="{{user}}") == r"{{user}} and \1"


def test_the_character_stays_open_where_its_name_is_not_known() -> None:
    assert fill("{{user}}, I am {{char}}.") == "User, I am {{char}}."


def test_tagged_roleplay_is_filled_with_the_name_of_its_row() -> None:
    row = {
        "name": "Ada",
        "description": "{{char}} knows {{user}}.",
        "text": "<|user|>\nI am <USER></s><|assistant|>\nAnd I {{char}}</s>",
    }
    turns = (Turn("user", "I am User"), Turn("assistant", "And I Ada"))
    assert RoleplayTagged().read(row) == Conversation(turns, "Ada knows User.")


OPEN = "I am {{char}}, {{user}}."
SAID = [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": OPEN}]
MESSAGES = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": OPEN}]


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        ({"char_name": "Ada"}, "I am Ada, User."),
        ({"bot_name": "Ada", "user_name": "Bo"}, "I am Ada, Bo."),
        ({"character": " Ada "}, "I am Ada, User."),
        ({"user_name": "Bo"}, "I am {{char}}, Bo."),
        ({"character": "She is\na mathematician."}, OPEN),
        ({"character": {"name": "Ada"}}, OPEN),
        ({"char_name": ""}, OPEN),
        ({}, OPEN),
    ],
)
def test_chats_are_filled_with_the_names_of_their_row_and_with_no_guess(names: dict[str, object], answer: str) -> None:
    for source, row in ((ShareGpt(), {"conversations": SAID}), (OpenAiMessages(), {"messages": MESSAGES})):
        read = source.read({**row, **names})
        assert isinstance(read, Conversation)
        assert read.answer == answer
