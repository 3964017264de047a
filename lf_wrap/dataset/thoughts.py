"""Thoughts before answers, written as LLaMA-Factory's templates look for them, or left out.

Its reasoning templates (0.9.5, `data/template.py`: `thought_words`, `remove_thought`) take a thought out of earlier
turns, and of all with `enable_thinking: false`, only where it stands between `<think>` and `</think>` with these very
line breaks. A thought that is written otherwise is learned as part of the answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from lf_wrap.conversation import Conversation, Reject, Turn, behind_thought, spoken, thought_and_answer
from lf_wrap.sources.source import NO_ANSWER

ONLY_A_THOUGHT = Reject(NO_ANSWER, "there is a thought alone")
SET, DROPPED = "thoughts set as templates look for them", "thoughts left out"
# OpenThoughts, Sky-T1 and Bespoke-Stratos mark both parts of an answer so; R1-Zero's kind (AM-DeepSeek-R1) the second.
SKY = re.compile(
    r"\s*<\|begin_of_thought\|>(.*?)<\|end_of_thought\|>"
    r"\s*(?:<\|begin_of_solution\|>(.*?)(?:<\|end_of_solution\|>)?|((?:(?!<\|begin_of_solution).)*))\s*",
    re.DOTALL,
)
MARKED_ANSWER = re.compile(r"\s*<answer>((?:(?!</?answer>).)*)</answer>\s*", re.DOTALL)


def set_thoughts(conversation: Conversation, counts: Counter[str]) -> Conversation | Reject:
    """The conversation with every thought between the marks and line breaks that LLaMA-Factory knows.

    An answer that ends within its thought, or right behind it, is none.
    """

    def written(said: str) -> str:
        thought, answer = _parted(said)
        if thought is None:
            return said
        made = behind_thought(thought, answer)
        counts[SET] += made != said
        return made

    return _with_answers(conversation, written)


def drop_thoughts(conversation: Conversation, counts: Counter[str]) -> Conversation | Reject:
    """The conversation with answers alone."""

    def answer_of(said: str) -> str:
        thought, answer = _parted(said)
        if thought is None:
            return said
        counts[DROPPED] += 1
        return answer_of(answer.lstrip())  # one thought may follow another

    made = _with_answers(conversation, answer_of)
    if made is conversation or isinstance(made, Reject):
        return made
    if not made.answer:
        return ONLY_A_THOUGHT
    turns = tuple(turn for turn in made.turns if turn.text)
    return made._replace(turns=turns, others=tuple(filter(None, made.others)))


def _with_answers(conversation: Conversation, become: Callable[[str], str]) -> Conversation | Reject:
    """The conversation with what each answer is to `become`; the same object where nobody thinks."""
    if not _thinks(conversation):
        return conversation
    if _ends_in_thought(conversation):
        return ONLY_A_THOUGHT
    turns = tuple(Turn(role, become(said) if role == "assistant" else said) for role, said in conversation.turns)
    return conversation._replace(turns=turns, others=tuple(map(become, conversation.others)))


def _parted(said: str) -> tuple[str | None, str]:
    """`thought_and_answer`, of other marks too."""
    if "<|begin_of_thought|>" in said and (sky := SKY.fullmatch(said)):
        return sky[1], (sky[2] or sky[3] or "").strip()
    thought, answer = thought_and_answer(said)
    if thought is not None and (marked := MARKED_ANSWER.fullmatch(answer)):
        return thought, marked[1].strip()
    return thought, answer


def _ends_in_thought(conversation: Conversation) -> bool:
    """Whether the user, or nobody, speaks next where an assistant has done nothing but think."""
    roles = [turn.role for turn in conversation.turns]
    return any(
        role == "assistant" and after == "user" and _is_thought_alone(said)
        for (role, said), after in zip(conversation.turns, (*roles[1:], "user"), strict=True)
    )


def _is_thought_alone(said: str) -> bool:
    thought, answer = _parted(said)
    return not (spoken(said) if thought is None else answer).strip()


def _thinks(conversation: Conversation) -> bool:
    for _, said in conversation.turns:  # a loop, since a generator costs as much as the checks
        if _holds_mark(said):
            return True
    return bool(conversation.others) and any(map(_holds_mark, conversation.others))


def _holds_mark(said: str) -> bool:
    return "<" in said and ("think>" in said or "_of_thought|>" in said)
