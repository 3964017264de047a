"""Turns as LLaMA-Factory demands them: from user to assistant, alternating. It drops any other row with a log line."""

from __future__ import annotations

from collections import Counter

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.source import NO_ANSWER

MERGED = "runs of one speaker merged"
GREETING = "leading assistant turn dropped"
UNANSWERED = "trailing user turn dropped"


def alternate(conversation: Conversation, repairs: Counter[str]) -> Conversation | Reject:
    """The conversation with turns that alternate from the user to the assistant; `repairs` counts what was changed.

    Several turns of one speaker in a row become one (joined by a line break), a greeting that nobody asked for and a
    question that nobody answered are dropped.
    """
    turns = conversation.turns
    if len(turns) == 2 and turns[0].role == "user" and turns[1].role == "assistant":
        return conversation
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, f"{merged[-1].text}\n{turn.text}")
        else:
            merged.append(turn)
    if len(merged) < len(turns):
        repairs[MERGED] += 1
    if merged and merged[0].role == "assistant":
        merged.pop(0)
        repairs[GREETING] += 1
    if merged and merged[-1].role == "user":
        merged.pop()
        repairs[UNANSWERED] += 1
    if not merged:
        return Reject(NO_ANSWER, "no user turn is followed by an assistant turn")
    return Conversation(tuple(merged), conversation.system)
