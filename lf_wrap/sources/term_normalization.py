"""Clinical terms as wards write them, beside the standard term (Yidu-N7K: columns 原始词 and 标准词)."""

from __future__ import annotations

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class TermNormalization(Source):
    name = "term_normalization"
    shape = "xlsx or CSV: 原始词 (as written), 标准词 (standard term); with --type, any two first columns"
    medical = True
    columns = ("原始词", "标准词")
    prompt_fields = ("word",)
    by_position = True
    task = "normalization"

    def convert(self, row: Row) -> Conversation | Reject:
        cells = [row[column] for column in self.columns] if self.fits(row) else list(row.values())[:2]
        if len(cells) < 2:
            return Reject(NOT_THIS_SHAPE, f"two columns are needed, there is {len(cells)}")
        word, standard = map(text, cells)
        if not standard:
            return Reject(NO_ANSWER, "the standard term is empty")
        if not word:
            return Reject(NO_QUESTION, "the original term is empty")
        return Conversation.single(self.ask(word=word), standard, asked=word)
