"""Turns are made to alternate, long chats are split, and what was changed is counted."""

from __future__ import annotations

from collections import Counter

import pytest

from lf_wrap.conversation import Conversation, Reject, Role, Turn
from lf_wrap.dataset.turns import UNSOUND, alternate, refuse_unsound, split_long, tokens

ROLES: dict[str, Role] = {"u": "user", "a": "assistant"}


def chat(pattern: str) -> Conversation:
    """`chat("uua")`: turns u0, u1, a2."""
    return Conversation(tuple(Turn(ROLES[side], f"{side}{place}") for place, side in enumerate(pattern)), "s", "", "g")


def said(conversation: Conversation | Reject) -> list[str]:
    assert isinstance(conversation, Conversation)
    return [turn.text for turn in conversation.turns]


@pytest.mark.parametrize(
    ("pattern", "turns", "counted"),
    [
        ("ua", ["u0", "a1"], {}),
        ("uaua", ["u0", "a1", "u2", "a3"], {}),
        ("uua", ["u0\nu1", "a2"], {"runs of one speaker merged": 1}),
        ("uaa", ["u0", "a1\na2"], {"runs of one speaker merged": 1}),
        ("aua", ["u1", "a2"], {"leading assistant turns dropped": 1}),
        ("uau", ["u0", "a1"], {"trailing user turns dropped": 1}),
    ],
)
def test_turns_alternate_from_user_to_assistant(pattern: str, turns: list[str], counted: dict[str, int]) -> None:
    counts: Counter[str] = Counter()
    result = alternate(chat(pattern), counts)
    assert said(result) == turns
    assert counts == counted
    assert isinstance(result, Conversation)
    assert (result.system, result.group) == ("s", "g")


def test_a_greeting_can_be_moved_to_the_system_text() -> None:
    counts: Counter[str] = Counter()
    result = alternate(chat("aua"), counts, "move")
    assert isinstance(result, Conversation)
    assert result.system == "s\n\na0"
    assert counts == {"leading assistant turns moved to the system text": 1}


@pytest.mark.parametrize("pattern", ["", "u", "a", "au"])
def test_without_an_answered_question_there_is_nothing_to_learn(pattern: str) -> None:
    assert isinstance(alternate(chat(pattern), Counter()), Reject)


def test_a_long_chat_is_cut_where_an_answer_ends_and_carries_its_last_exchange() -> None:
    turns = [Turn(role, f"{role} {number} " + "字" * 40) for number in range(6) for role in ("user", "assistant")]  # type: ignore[arg-type]
    whole = Conversation(tuple(turns), "system", "", "g")
    counts: Counter[str] = Counter()
    pieces = split_long(whole, 300, counts)
    assert len(pieces) > 1
    assert counts == {"long conversations split": 1}
    for piece in pieces:
        assert sum(tokens(turn.text) + 8 for turn in piece.turns) + tokens("system") + 8 <= 300
        assert (piece.system, piece.group) == ("system", "g")
        assert [turn.role for turn in piece.turns] == ["user", "assistant"] * (len(piece.turns) // 2)
    assert pieces[1].turns[:2] == pieces[0].turns[-2:]
    answers = {turn for piece in pieces for turn in piece.turns}
    assert answers == set(turns), "no answer is lost"


def test_a_chat_that_fits_stays_one() -> None:
    assert split_long(chat("uaua"), 1000, Counter()) == [chat("uaua")]


@pytest.mark.parametrize("pattern", ["", "u", "a", "au", "uua", "uau", "uaaa"])
def test_what_does_not_alternate_is_refused_when_nothing_is_mended(pattern: str) -> None:
    refused = refuse_unsound(chat(pattern))
    assert isinstance(refused, Reject)
    assert refused.reason == UNSOUND
    assert refuse_unsound(chat("uaua")) == chat("uaua")
