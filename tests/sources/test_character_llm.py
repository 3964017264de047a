"""Character-LLM: interviews whose turns are parts with an action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import SOURCES, open_rows, recognise
from lf_wrap.sources.character_llm import CharacterLLM


def turn(role: str, *parts: tuple[str, str]) -> dict[str, Any]:
    who = "Man" if role == "interviewer" else "Ada"
    content = [{"role": who, "action": action, "content": words} for action, words in parts]
    return {"turn_id": 0, "turn_role": role, "turn_content": content}


MULTITURN = {
    "character": "Ada",
    "model": "Ada-end",
    "topic": "Ada, what is an engine?",
    "qid": 3,
    "max_turns": 5,
    "finished": True,
    "content": [
        turn("interviewer", ("(speaking)", "What is an engine, {{char}}?")),
        turn(
            "character", ("(thinking)", "How shall I say it?"), ("(speaking)", "A loom."), ("smiling", "For numbers.")
        ),
        turn("interviewer", ("(speaking)", " ")),
        turn("interviewer", ("", "Thank you.")),
        turn("character", ("（Speaking）", "Do come again.")),
    ],
}
SINGLE = {
    "topic_id": "topic-1",
    "question": "Who are you?",
    "reply": [{"role": "Ada", "action": "(speaking)", "content": "A countess."}],
}


def test_what_is_spoken_is_plain_and_other_actions_are_named() -> None:
    assert CharacterLLM().read(MULTITURN) == Conversation(
        (
            Turn("user", "What is an engine, Ada?"),
            Turn("assistant", "(thinking) How shall I say it?\nA loom.\n(smiling) For numbers."),
            Turn("user", "Thank you."),
            Turn("assistant", "Do come again."),
        )
    )


def test_a_single_question_is_an_interview_too() -> None:
    assert CharacterLLM().read(SINGLE) == Conversation.single("Who are you?", "A countess.")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (SINGLE | {"question": ""}, "no question"),
        (SINGLE | {"reply": []}, "no answer"),
        (SINGLE | {"reply": ["A countess."]}, "not this shape"),
        (SINGLE | {"reply": "A countess."}, "missing column"),
        (MULTITURN | {"content": MULTITURN["content"][:1]}, "no answer"),  # type: ignore[index]
        (MULTITURN | {"content": MULTITURN["content"][1:2]}, "no question"),  # type: ignore[index]
        (MULTITURN | {"content": []}, "not this shape"),
        (MULTITURN | {"content": [turn("narrator", ("", "Night."))]}, "not this shape"),
        (MULTITURN | {"content": [{"turn_role": "character"}]}, "not this shape"),
        ({"character": "Ada"}, "missing column"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: dict[str, Any], reason: str) -> None:
    result = CharacterLLM().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason


@pytest.mark.parametrize("row", [MULTITURN, SINGLE])
def test_its_rows_are_recognised(row: dict[str, Any]) -> None:
    assert next(source for source in SOURCES if source.fits(row)) is CharacterLLM


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "rows", "turns", "thoughts"),
    [("multiturn_Socrates_sft.jsonl", 50, 500, 26), ("single_Socrates_sft.json", 94, 188, 0)],
)
def test_the_published_files_are_read_whole(real_data: Path, name: str, rows: int, turns: int, thoughts: int) -> None:
    raw = open_rows(real_data / "character-llm" / name)
    assert recognise(raw) is CharacterLLM
    read = [CharacterLLM().read(value) for _, value in raw]
    assert len(read) == rows
    said = [turn for result in read if isinstance(result, Conversation) for turn in result.turns]
    assert [turn.role for turn in said] == ["user", "assistant"] * (turns // 2)
    assert sum(turn.text.startswith("(thinking) ") for turn in said) == thoughts
    assert not any(turn.text.startswith("(speaking)") for turn in said)
