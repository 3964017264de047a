"""Medical questions and answers as a table (toyhom: department, title, ask, answer; often GB18030).

Its .txt files hold the same as blocks of two lines, without the department.
"""

from __future__ import annotations

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, Row, Source, text


class MedicalTable(Source):
    name = "medical_table"
    shape = "CSV or xlsx: (department,) title, ask, answer; or blocks of 'title,ask', answer, blank lines"
    medical = True
    columns = ("title", "ask", "answer")
    prompt_fields = ("department", "title", "ask")

    def convert(self, row: Row) -> Conversation | Reject:
        department, title, ask, answer = (text(row.get(field)) for field in ("department", *self.columns))
        if not answer:
            return Reject(NO_ANSWER, "answer is empty")
        if not (title or ask):
            return Reject(NO_QUESTION, "title and ask are empty")
        prompt = self.ask(department=department, title=title, ask=ask)
        return Conversation.single(prompt, answer, asked=f"{title}\n{ask}")
