"""Layouts whose columns go by several names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import Row, Source


class AliasedSource(Source):
    """A source that also knows its columns under other names."""

    aliases: ClassVar[Mapping[str, str]]
    """A name that files use: the column it stands for. Where a row has both, the column's own name counts."""

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(cls.renamed(row))

    def read(self, row: Any) -> Conversation | Reject | list[Conversation]:
        return super().read(self.renamed(row) if isinstance(row, Mapping) else row)

    @classmethod
    def renamed(cls, row: Row) -> Row:
        """`row` under the names of `columns`."""
        return {cls.aliases.get(key, key): value for key, value in row.items() if cls.aliases.get(key) not in row}
