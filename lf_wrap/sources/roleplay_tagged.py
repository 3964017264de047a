"""hieunguyenminh/roleplay: a character's description, and a chat as text with `<|user|>` and `<|assistant|>` tags."""

from __future__ import annotations

import re

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.source import NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text

TAG = re.compile(r"<\|(system|user|assistant)\|>")


class RoleplayTagged(Source):
    name = "roleplay_tagged"
    task = "roleplay"
    shape = "rows of description and text, where text holds <|user|>…</s><|assistant|>…</s> turns"
    columns = ("description", "text")

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and "<|assistant|>" in text(row["text"])

    def convert(self, row: Row) -> Conversation | Reject:
        name = text(row.get("name")).strip()
        before, *tagged = TAG.split(text(row["text"]))
        if before.strip():
            return Reject(NOT_THIS_SHAPE, f"text before the first tag: {before.strip()[:80]}")
        said = [
            (role, fill(words.replace("</s>", ""), char=name).strip())
            for role, words in zip(tagged[::2], tagged[1::2], strict=True)
        ]
        turns = tuple(Turn(role, words) for role, words in said if role != "system" and words)  # type: ignore[arg-type]
        if not turns:
            return Reject(NO_QUESTION, "text holds no turns")
        described = fill(text(row["description"]), char=name).strip()
        return Conversation(turns, described or next((words for role, words in said if role == "system"), ""))
