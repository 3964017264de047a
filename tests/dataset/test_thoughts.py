"""Thoughts are written as LLaMA-Factory takes them out again, or left out; nothing else is taken for one."""

from __future__ import annotations

from collections import Counter

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn, spoken, thought_and_answer
from lf_wrap.dataset.thoughts import DROPPED, SET, drop_thoughts, set_thoughts

WRITTEN = "<think>\n想\n</think>\n\n答"
FORMS = ["<think>想</think>答", " <think> 想\n</think>\n答", "想\n</think>\n\n答", WRITTEN]
NO_THOUGHTS = [
    "答",
    "先说一句<think>想</think>答",
    "<think>没有想完",
    "标签 </think> 是什么",
    "<think>一<think>二</think>答",
    "想</think>答",
]


@pytest.mark.parametrize("said", FORMS)
def test_a_thought_is_written_one_way(said: str) -> None:
    counts: Counter[str] = Counter()
    done = set_thoughts(Conversation.single("问", said), counts)
    assert done == Conversation.single("问", WRITTEN)
    assert counts[SET] == (said != WRITTEN)
    assert set_thoughts(done, counts) == done


@pytest.mark.parametrize("said", FORMS)
def test_or_it_is_left_out(said: str) -> None:
    counts: Counter[str] = Counter()
    assert drop_thoughts(Conversation.single("问", said), counts) == Conversation.single("问", "答")
    assert counts == {DROPPED: 1}


@pytest.mark.parametrize("said", NO_THOUGHTS)
@pytest.mark.parametrize("step", [set_thoughts, drop_thoughts])
def test_anything_else_is_no_thought(step: object, said: str) -> None:
    assert thought_and_answer(said) == (None, said)
    conversation = Conversation.single("问", said)
    assert step(conversation, Counter()) == conversation  # type: ignore[operator]


def test_a_user_does_not_think_and_every_answer_may() -> None:
    turns = (Turn("user", FORMS[0]), Turn("assistant", FORMS[0]), Turn("user", "问"), Turn("assistant", FORMS[2]))
    counts: Counter[str] = Counter()
    done = set_thoughts(Conversation(turns, others=(FORMS[1],)), counts)
    assert isinstance(done, Conversation)
    assert [turn.text for turn in done.turns] == [FORMS[0], WRITTEN, "问", WRITTEN]
    assert (done.others, counts[SET]) == ((WRITTEN,), 3)


@pytest.mark.parametrize("step", [set_thoughts, drop_thoughts])
def test_a_thought_alone_is_no_answer(step: object) -> None:
    result = step(Conversation.single("问", "<think>想</think>\n "), Counter())  # type: ignore[operator]
    assert isinstance(result, Reject)
    assert result.reason == "no answer"


def test_llamafactory_takes_out_what_is_written() -> None:
    from llamafactory.data.template import TEMPLATES

    template = TEMPLATES["qwen3"]
    assert template.remove_thought(WRITTEN) == "答"
    assert template.remove_thought(FORMS[0]) == FORMS[0]  # why they are written anew


def test_what_is_spoken_is_what_stands_behind_the_thought() -> None:
    assert [spoken(said) for said in FORMS] == ["答"] * len(FORMS)
    assert spoken("<think>没有想完") == ""
    assert spoken("答 <think>") == "答 <think>"
