"""MedDialog as it is processed: a dialogue as a list of texts, each begun by who says it (病人：…, doctor: …)."""

from __future__ import annotations

import re

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.chat_turns import ROLES, UNKNOWN_ROLE
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text

SPEAKER = re.compile(r"\s*([^\s:：]{1,12})\s*[:：]\s*")


class Utterances(Source):
    name = "utterances"
    shape = "rows of utterances ['病人：…', '医生：…', …] (or patient: …, doctor: …), sometimes description"
    medical = True
    columns = ("utterances",)

    @classmethod
    def fits(cls, row: Row) -> bool:
        said = row.get("utterances")
        return isinstance(said, list) and bool(said) and all(isinstance(one, str) and _spoken(one) for one in said)

    def convert(self, row: Row) -> Conversation | Reject:
        said = row["utterances"]
        if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
            return Reject(NOT_THIS_SHAPE, "utterances is not a list of texts")
        turns = []
        for place, one in enumerate(said, 1):
            if (turn := _spoken(one)) is None:
                return Reject(UNKNOWN_ROLE, f"who says utterance {place}: {one:.40}")
            turns += [turn] if turn.text else []
        if not any(turn.role == "user" for turn in turns):
            return Reject(NO_QUESTION, "the patient says nothing")
        if not any(turn.role == "assistant" for turn in turns):
            return Reject(NO_ANSWER, "the doctor says nothing")
        if description := text(row.get("description")).strip():
            turns.insert(0, Turn("user", description))  # what the patient wrote before the doctor came
        return Conversation(tuple(turns))


def _spoken(utterance: str) -> Turn | None:
    """The turn, without its speaker's name; None where nobody who is known says it."""
    speaker = SPEAKER.match(utterance)
    role = ROLES.get(speaker[1].lower()) if speaker else None
    return Turn(role, utterance[speaker.end() :].strip()) if speaker and role and role != "system" else None
