"""Plain text for continued pretraining: nobody asks, nobody answers."""

from __future__ import annotations

import re
from typing import ClassVar

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.source import NOT_THIS_SHAPE, Row, Source, text

NO_TEXT = "no text"
CHAT_TAG = re.compile(r"<\|(?:system|user|assistant|im_start)\|>")


class PlainText(Source):
    """Its conversations are a single turn of the user, which holds the text."""

    name = "text"
    shape = "rows of text, without chat tags, for continued pretraining"
    columns = ("text",)
    pretraining: ClassVar[bool] = True

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and isinstance(row["text"], str) and not CHAT_TAG.search(row["text"])

    def convert(self, row: Row) -> Conversation | Reject:
        words = text(row["text"])
        if not words:
            return Reject(NO_TEXT, "text is empty")
        if not self.fits(row):
            return Reject(NOT_THIS_SHAPE, "text holds chat tags, or is not text")
        return Conversation((Turn("user", words),))
