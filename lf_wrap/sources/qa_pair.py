"""A question and an answer under any of the names people give them (DISC-MedLLM misspells `raw_anwser`).

A system text and earlier turns may stand beside them, as ms-swift has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.aliases import AliasedSource
from lf_wrap.sources.chat_turns import history_of
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Carried, Row, text

# As ai-medical-chatbot has it. Beside a question or an answer they are who asks and who answers.
PATIENT_AND_DOCTOR = (("Patient", "Doctor"), ("patient", "doctor"))


class QaPair(AliasedSource):
    name = "qa_pair"
    shape = (
        "rows of question (query, ask, prompt, user, input, patient, 问题, 提问) and answer (response, reply,"
        " raw_answer, assistant, output, doctor, 答案, 回答, 回复), sometimes system, history (pairs or messages), a"
        " thought (Complex_CoT)"
    )
    # Most such tables are consultations. A phone number masked for nothing harms no one; one that is learned does.
    medical = True
    columns = ("question", "answer")
    aliases: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("query", "ask", "prompt", "user", "input"), "question"),
        **dict.fromkeys(("问题", "提问", "問題", "提問"), "question"),
        **dict.fromkeys(("response", "reply", "raw_anwser", "raw_answer", "assistant", "output"), "answer"),
        "response (content)": "answer",  # as Medical-R1-Distill-Data has it
        **dict.fromkeys(("答案", "回答", "回复", "答复", "回覆", "答覆"), "answer"),
        "system_prompt": "system",  # as OpenOrca has it
    }

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and cls._is_text(cls.renamed(row))

    @classmethod
    def renamed(cls, row: Row) -> dict[str, Any]:
        named = super().renamed(row)
        if "answer" not in named and "reasoning_content" in row and "content" in named:  # as DeepSeek's API names them
            named["answer"] = named.pop("content")
        for patient, doctor in PATIENT_AND_DOCTOR:
            if patient in named and doctor in named and "question" not in named and "answer" not in named:
                named |= {"question": named.pop(patient), "answer": named.pop(doctor)}
        return named

    @classmethod
    def _is_text(cls, row: Row) -> bool:
        return not any(isinstance(row[column], list | dict) for column in cls.columns)

    def carried(self) -> tuple[Carried, ...]:
        return (Carried("{question}", answer="answer", empty=("system", "system_prompt", "history")),)

    def convert(self, row: Row) -> Conversation | Reject:
        if not self._is_text(row):
            return Reject(NOT_THIS_SHAPE, "question or answer is not text")
        question, answer = (text(row[column]) for column in self.columns)
        if not answer:
            return Reject(NO_ANSWER, "answer is empty")
        if not question:
            return Reject(NO_QUESTION, "question is empty")
        earlier = history_of(row.get("history"))
        if isinstance(earlier, Reject):
            return earlier
        turns = (*earlier.turns, Turn("user", question), Turn("assistant", answer))
        # One dialogue may stand there several times, cut after different turns: what it opens with tells which it is.
        group = next(turn.text for turn in turns if turn.role == "user") if earlier.turns else ""
        return Conversation(turns, text(row.get("system")) or earlier.system, group=group)
