"""Thoughts before answers, written as LLaMA-Factory's templates look for them, or left out.

Its reasoning templates (0.9.5, `data/template.py`: `thought_words`, `remove_thought`) take a thought out of earlier
turns, and of all with `enable_thinking: false`, only where it stands between `<think>` and `</think>` with these very
line breaks. A thought that is written otherwise is learned as part of the answer.
"""

from __future__ import annotations

from collections import Counter

from lf_wrap.conversation import THOUGHT_BEGINS, THOUGHT_ENDS, Conversation, Reject, Turn, thought_and_answer
from lf_wrap.sources.source import NO_ANSWER

ONLY_A_THOUGHT = Reject(NO_ANSWER, "there is a thought alone")
SET, DROPPED = "thoughts set as templates look for them", "thoughts left out"


def set_thoughts(conversation: Conversation, counts: Counter[str]) -> Conversation | Reject:
    """The conversation with every thought between the marks and line breaks that LLaMA-Factory knows."""
    if not _thinks(conversation):
        return conversation
    if not thought_and_answer(conversation.answer)[1].strip():
        return ONLY_A_THOUGHT

    def written(said: str) -> str:
        thought, answer = thought_and_answer(said)
        if thought is None:
            return said
        made = f"{THOUGHT_BEGINS}\n{thought.strip()}\n{THOUGHT_ENDS}\n\n{answer.lstrip()}"
        counts[SET] += made != said
        return made

    turns = tuple(Turn(role, written(said) if role == "assistant" else said) for role, said in conversation.turns)
    return conversation._replace(turns=turns, others=tuple(map(written, conversation.others)))


def drop_thoughts(conversation: Conversation, counts: Counter[str]) -> Conversation | Reject:
    """The conversation with answers alone."""
    if not _thinks(conversation):
        return conversation
    turns = []
    for role, said in conversation.turns:
        thought, answer = thought_and_answer(said) if role == "assistant" else (None, said)
        if thought is not None and not answer.strip():
            return ONLY_A_THOUGHT
        counts[DROPPED] += thought is not None
        turns.append(Turn(role, said if thought is None else answer.lstrip()))
    others = (thought_and_answer(other)[1].lstrip() for other in conversation.others)
    return conversation._replace(turns=tuple(turns), others=tuple(filter(None, others)))


def _thinks(conversation: Conversation) -> bool:
    return any(THOUGHT_ENDS in said for _, said in conversation.turns) or any(
        THOUGHT_ENDS in other for other in conversation.others
    )
