"""RoleBench (RoleLLM): a role, a question to it, and one or several answers in its voice."""

from __future__ import annotations

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text

PROFILE = ("desc", "profile")


class RoleBench(Source):
    name = "rolebench"
    task = "roleplay"
    shape = "rows of role, question, generated [answer, …], sometimes desc or profile; the prompt is the system text"
    columns = ("role", "question", "generated")
    prompt_fields = ("role",)

    def convert(self, row: Row) -> Conversation | Reject | list[Conversation]:
        role, question = text(row["role"]).strip(), text(row["question"]).strip()
        generated = row["generated"] if isinstance(row["generated"], list) else [row["generated"]]
        answers = [answer for answer in (text(one).strip() for one in generated) if answer]
        if not role:
            return Reject(NOT_THIS_SHAPE, "role is empty")
        if not question:
            return Reject(NO_QUESTION, "question is empty")
        if not answers:
            return Reject(NO_ANSWER, "generated holds no answer")
        profile = next((profile for field in PROFILE if (profile := text(row.get(field)).strip())), "")
        system = fill(profile or self.ask(role=role), char=role)
        asked, group = Turn("user", fill(question, char=role)), f"{role}: {question}"
        return [
            Conversation((asked, Turn("assistant", fill(answer, char=role))), system, group=group) for answer in answers
        ]
