"""A question and an answer under any of the names people give them (DISC-MedLLM misspells `raw_anwser`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.aliases import AliasedSource
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Carried, Row, text


class QaPair(AliasedSource):
    name = "qa_pair"
    shape = "rows of question (query, ask, prompt, 问题, 提问) and answer (response, reply, raw_answer, 答案, 回答)"
    # Most such tables are consultations. A phone number masked for nothing harms no one; one that is learned does.
    medical = True
    columns = ("question", "answer")
    aliases: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("query", "ask", "prompt", "问题", "提问"), "question"),
        **dict.fromkeys(("response", "reply", "raw_anwser", "raw_answer", "答案", "回答"), "answer"),
    }

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and cls._is_text(cls.renamed(row))

    @classmethod
    def _is_text(cls, row: Row) -> bool:
        return not any(isinstance(row[column], list | dict) for column in cls.columns)

    def carried(self) -> tuple[Carried, ...]:
        return (Carried("{question}", answer="answer"),)

    def convert(self, row: Row) -> Conversation | Reject:
        if not self._is_text(row):
            return Reject(NOT_THIS_SHAPE, "question or answer is not text")
        question, answer = (text(row[column]) for column in self.columns)
        if not answer:
            return Reject(NO_ANSWER, "answer is empty")
        if not question:
            return Reject(NO_QUESTION, "question is empty")
        return Conversation.single(question, answer)
