"""PromptCBLUE: sixteen medical tasks as whole questions. The targets of its test file are empty."""

from __future__ import annotations

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, Carried, Row, Source, text


class PromptCblue(Source):
    name = "promptcblue"
    shape = "JSONL: input (the whole question), target (the answer), task_type, task_dataset, …"
    medical = True
    columns = ("input", "target")

    def carried(self) -> tuple[Carried, ...]:
        return (Carried("{input}", answer="target"),)

    def convert(self, row: Row) -> Conversation | Reject:
        question, answer = (text(row[column]) for column in self.columns)
        if not answer:
            return Reject(NO_ANSWER, "target is empty")
        if not question:
            return Reject(NO_QUESTION, "input is empty")
        return Conversation.single(question, answer)
