"""Huatuo-Llama's liver cancer dialogues: earlier turns stand in the instruction as `<user>: … <bot>: …`."""

from __future__ import annotations

import re

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text

MARKER = re.compile(r"<(user|bot)>\s*[:：]")


class InlineTurns(Source):
    name = "inline_turns"
    shape = "JSON or JSONL: instruction (<user>: … <bot>: … <user>: …), output (the last answer)"
    medical = True
    columns = ("instruction", "output")

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and MARKER.search(text(row["instruction"])) is not None

    def convert(self, row: Row) -> Conversation | Reject:
        before, *marked = MARKER.split(text(row["instruction"]))
        if before.strip():
            return Reject(NOT_THIS_SHAPE, f"text before the first <user>: {before.strip()[:80]}")
        said = zip(marked[::2], marked[1::2], strict=True)
        turns = [Turn("user" if who == "user" else "assistant", words.strip()) for who, words in said if words.strip()]
        answer = text(row["output"])
        if not answer:
            return Reject(NO_ANSWER, "output is empty")
        if not turns or turns[-1].role != "user":
            return Reject(NO_QUESTION, "the instruction does not end with what the user says")
        # The file holds a dialogue several times, each time a few turns longer: its opening tells which one it is.
        return Conversation((*turns, Turn("assistant", answer)), group=turns[0].text)
