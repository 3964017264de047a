"""Tavern character cards of all three versions."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import SOURCES
from lf_wrap.sources.character_card import CharacterCard

EXAMPLES = """<START>
{{user}}: Who are you, {{char}}?
{{char}}: *bows*
I am {{char}}.

Of course.
<start>
A quiet night.
<USER>: Good night.
Ada: Good night, {{user}}: sleep well.
<START>
{{char}}: Is nobody here?
<START>
"""
V1 = {
    "name": "Ada",
    "description": "{{char}} is a countess.",
    "personality": "patient",
    "scenario": "{{user}} visits <BOT>.",
    "first_mes": "Welcome, {{user}}.",
    "mes_example": EXAMPLES,
}
V2 = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        **V1,
        "creator_notes": "not for prompts",
        "system_prompt": "Play {{char}}.\n{{original}}",
        "post_history_instructions": "",
        "alternate_greetings": ["Oh, {{user}}."],
        "tags": [],
        "extensions": {},
    },
}
V3 = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {**V1, "nickname": "Lady Ada", "group_only_greetings": []},
    "name": "what V1 readers see",
}
SYSTEM = "You are Ada.\nAda is a countess.\nPersonality: patient\nScenario: User visits Ada."
GREETING = Turn("assistant", "Welcome, User.")
FIRST = (Turn("user", "Who are you, Ada?"), Turn("assistant", "*bows*\nI am Ada.\n\nOf course."))
SECOND = (Turn("user", "Good night."), Turn("assistant", "Good night, User: sleep well."))


def test_each_example_is_a_conversation_and_the_greeting_opens_the_first() -> None:
    assert CharacterCard().read(V1) == [
        Conversation((GREETING, *FIRST), SYSTEM, group="Ada"),
        Conversation(SECOND, SYSTEM, group="Ada"),
    ]


def test_a_v2_cards_own_system_prompt_comes_first() -> None:
    result = CharacterCard().read(V2)
    assert isinstance(result, list)
    assert [conversation.system for conversation in result] == [f"Play Ada.\n{SYSTEM}"] * 2
    assert [conversation.turns for conversation in result] == [(GREETING, *FIRST), SECOND]


def test_a_v3_card_is_called_by_its_nickname() -> None:
    result = CharacterCard().read(V3)
    assert isinstance(result, list)
    first, second = result
    assert first.turns[1].text == "Who are you, Lady Ada?"
    assert first.system.splitlines()[:2] == ["You are Ada.", "Lady Ada is a countess."]
    assert second.turns == SECOND  # whose answer is Ada's by name


def test_lines_whose_fields_are_empty_are_left_out() -> None:
    card = V1 | {"personality": "", "scenario": None, "first_mes": ""}
    assert CharacterCard().read(card) == [
        Conversation(turns, "You are Ada.\nAda is a countess.", group="Ada") for turns in (FIRST, SECOND)
    ]


def test_the_prompt_is_the_users_to_write() -> None:
    result = CharacterCard("扮演{name}（{personality}{scenario}）\n请用中文\n{description}").read(
        V1 | {"description": ""}
    )
    assert isinstance(result, list)
    assert result[0].system == "扮演Ada（patientUser visits Ada.）\n请用中文"


def test_without_a_mark_the_whole_is_one_example() -> None:
    result = CharacterCard().read(V1 | {"mes_example": "You: Hi\r\nADA： Hello"})
    assert isinstance(result, list)
    assert result[0].turns == (GREETING, Turn("user", "Hi"), Turn("assistant", "Hello"))


@pytest.mark.parametrize("examples", ["", None, "<START>", "*A quiet night.*", "<START>\n{{char}}: alone"])
def test_a_card_without_an_example_dialogue_is_a_system_prompt_only(examples: str | None) -> None:
    result = CharacterCard().read(V1 | {"mes_example": examples})
    assert isinstance(result, Reject)
    assert result.reason == "no example dialogue"
    assert result.detail.startswith("mes_example of Ada has no lines of both {{user}}: and {{char}}:")
    assert result.detail.endswith("this card can serve as a system prompt only")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (V1 | {"name": " "}, "not this shape"),
        (V2 | {"data": None}, "missing column"),
        ({"description": "x"}, "missing column"),
        ([V1], "not this shape"),
    ],
)
def test_a_row_that_is_no_card_says_why(row: Any, reason: str) -> None:
    result = CharacterCard().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


@pytest.mark.parametrize("card", [V1, V2, V3])
def test_cards_are_recognised(card: dict[str, Any]) -> None:
    assert next(source for source in SOURCES if source.fits(card)) is CharacterCard
