"""Huatuo's encyclopedia and knowledge graph: one question in several wordings, and its answers, as lists."""

from __future__ import annotations

from typing import Any

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class QuestionList(Source):
    name = "question_list"
    shape = "rows of questions [wording, …] or [[wording, …]], answers [answer, …]: each wording with each answer"
    medical = True
    columns = ("questions", "answers")

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and all(isinstance(row[column], list) for column in cls.columns)

    def convert(self, row: Row) -> Conversation | Reject | list[Conversation]:
        asked, answers = map(_texts, (row["questions"], row["answers"]))
        if asked is None or answers is None:
            return Reject(NOT_THIS_SHAPE, "questions or answers are not lists of texts")
        if not answers:
            return Reject(NO_ANSWER, "answers are empty")
        if not asked:
            return Reject(NO_QUESTION, "questions are empty")
        found = [
            Conversation((Turn("user", question), Turn("assistant", answer)), group=asked[0])
            for question in asked
            for answer in answers
        ]
        return found if len(found) > 1 else found[0]


def _texts(given: Any) -> list[str] | None:
    """The texts in a list, or in the lists in it; None where it holds anything else."""
    if not isinstance(given, list):
        return None
    parts = [part for one in given for part in (one if isinstance(one, list) else [one])]
    if any(isinstance(part, list | dict) for part in parts):
        return None
    return [words for words in map(text, parts) if words]
