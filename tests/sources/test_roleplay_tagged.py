"""The roleplay layout of tagged text."""

from __future__ import annotations

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.roleplay_tagged import RoleplayTagged

TEXT = """<|system|>You are Ada.</s>
<|user|>
Who are you?</s>
<|assistant|>
Ada.</s>
<|user|>
Bye</s>
<|assistant|>
Farewell.</s>"""
TURNS = (Turn("user", "Who are you?"), Turn("assistant", "Ada."), Turn("user", "Bye"), Turn("assistant", "Farewell."))


def test_the_description_is_the_system_text() -> None:
    assert RoleplayTagged().read({"description": "A pioneer.", "text": TEXT}) == Conversation(TURNS, "A pioneer.")


def test_without_a_description_the_tagged_system_text_is() -> None:
    assert RoleplayTagged().read({"description": None, "text": TEXT}) == Conversation(TURNS, "You are Ada.")


@pytest.mark.parametrize("text", ["", "no tags at all", "words <|user|>\nfirst"])
def test_text_without_turns_or_with_words_before_them_is_rejected(text: str) -> None:
    assert isinstance(RoleplayTagged().read({"description": "d", "text": text}), Reject)
