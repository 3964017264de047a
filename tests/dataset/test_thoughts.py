"""Thoughts are written as LLaMA-Factory takes them out again, or left out; nothing else is taken for one."""

from __future__ import annotations

from collections import Counter

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn, spoken, thought_and_answer
from lf_wrap.dataset.clean import clean
from lf_wrap.dataset.thoughts import DROPPED, SET, drop_thoughts, set_thoughts
from lf_wrap.dataset.turns import alternate

WRITTEN = "<think>\n想\n</think>\n\n答"
FORMS = ["<think>想</think>答", " <think> 想\n</think>\n答", "想\n</think>\n\n答", WRITTEN]
NO_THOUGHTS = [
    "答",
    "先说一句<think>想</think>答",
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
@pytest.mark.parametrize("said", ["<think>想</think>\n ", "<think>没有想完"])
def test_a_thought_alone_is_no_answer(step: object, said: str) -> None:
    asked, more = Turn("user", "问"), Turn("assistant", "答")
    result = step(Conversation((asked, Turn("assistant", said), asked, more)), Counter())  # type: ignore[operator]
    assert isinstance(result, Reject)
    result = step(Conversation.single("问", said), Counter())  # type: ignore[operator]
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


@pytest.mark.parametrize(
    "said",
    [
        # OpenThoughts, AM-DeepSeek-R1-Distilled
        "<|begin_of_thought|>\n\n想\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\n答\n\n<|end_of_solution|>",
        "<|begin_of_thought|>想<|end_of_thought|>答",
        "<think>想</think>\n<answer>\n答\n</answer>",
    ],
)
def test_other_marks_become_the_ones_that_templates_know(said: str) -> None:
    assert set_thoughts(Conversation.single("问", said), Counter()) == Conversation.single("问", WRITTEN)
    assert drop_thoughts(Conversation.single("问", said), Counter()) == Conversation.single("问", "答")


def test_one_thought_behind_another_is_left_out_too() -> None:
    twice = Conversation.single("问", "<think>想</think><think>再想</think>答")
    assert drop_thoughts(twice, Counter()) == Conversation.single("问", "答")


def test_of_merged_turns_the_thoughts_stand_together_before_the_answers() -> None:
    turns = (Turn("user", "问"), *(Turn("assistant", f"<think>\n想{n}\n</think>\n\n答{n}") for n in (1, 2)))
    expected = Conversation.single("问", "<think>\n想1\n想2\n</think>\n\n答1\n答2")
    assert alternate(Conversation(turns), Counter()) == expected


def test_a_placeholder_behind_a_thought_is_no_answer() -> None:
    result = clean(Conversation.single("问", "<think>\n想了很久，没有结果\n</think>\n\n暂无"), Counter())
    assert isinstance(result, Reject)
    assert result.reason == "placeholder answer"
