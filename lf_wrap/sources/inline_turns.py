"""Earlier turns in the instruction: `<user>: … <bot>: …` (Huatuo-Llama's liver cancer dialogues), BELLE's Human: …"""

from __future__ import annotations

import re
from typing import ClassVar

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class InlineTurns(Source):
    name = "inline_turns"
    shape = "JSON or JSONL: instruction (<user>: … <bot>: … <user>: …), output (the last answer)"
    medical = True
    columns = ("instruction", "output")
    marker: ClassVar[re.Pattern[str]] = re.compile(r"<(user|bot)>\s*[:：]")
    """What stands before each turn."""

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and cls.marker.search(text(row["instruction"])) is not None

    def convert(self, row: Row) -> Conversation | Reject:
        before, *marked = self.marker.split(text(row["instruction"]))
        if before.strip():
            return Reject(NOT_THIS_SHAPE, f"text before the first turn: {before.strip()[:80]}")
        said = zip(marked[::2], marked[1::2], strict=True)
        turns = [
            Turn("user" if who in ("user", "Human") else "assistant", words.strip())
            for who, words in said
            if words.strip()
        ]
        answer = text(row["output"])
        if not answer:
            return Reject(NO_ANSWER, "output is empty")
        if not turns or turns[-1].role != "user":
            return Reject(NO_QUESTION, "the instruction does not end with what the user says")
        # The file holds a dialogue several times, each time a few turns longer: its opening tells which one it is.
        return Conversation((*turns, Turn("assistant", answer)), group=turns[0].text)


class HumanAssistant(InlineTurns):
    """BELLE's multi-turn chats (multiturn_chat_0.8M): the instruction ends where the assistant is to speak."""

    name = "human_assistant"
    shape = "JSON or JSONL: instruction (lines of Human: …, Assistant: …, Human: …), output (the last answer)"
    medical = False
    marker = re.compile(r"^\s*(Human|Assistant)\s*[:：]", re.MULTILINE)

    @classmethod
    def fits(cls, row: Row) -> bool:
        said = cls.marker.findall(text(row.get("instruction")))
        return super().fits(row) and said[:2] == ["Human", "Assistant"]
