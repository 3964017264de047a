"""Medical questions and answers as a table (toyhom: department, title, ask, answer; often GB18030)."""

from __future__ import annotations

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, Row, Source, text


class MedicalTable(Source):
    name = "medical_table"
    shape = "CSV or xlsx: department, title, ask, answer"
    columns = ("department", "title", "ask", "answer")
    prompt_fields = ("department", "title", "ask")

    def convert(self, row: Row) -> Conversation | Reject:
        department, title, ask, answer = (text(row[column]) for column in self.columns)
        if not answer:
            return Reject(NO_ANSWER, "answer is empty")
        if not (title or ask):
            return Reject(NO_QUESTION, "title and ask are empty")
        return Conversation.single(self.ask(department=department, title=title, ask=ask), answer)
