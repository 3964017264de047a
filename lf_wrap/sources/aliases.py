"""Layouts whose columns go by several names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import Carried, Row, Source


class AliasedSource(Source):
    """A source that also knows its columns under other names, and any of them in capitals (`Question`, `QUESTION`)."""

    aliases: ClassVar[Mapping[str, str]]
    """A name that files use: the column it stands for. Where a row has both, the column's own name counts."""
    optional: ClassVar[tuple[str, ...]] = ("system", "history")
    """Columns that a row may have beside `columns`."""
    names: ClassVar[Mapping[str, str]]
    """Every name that is not a column's own: the column it stands for."""

    def __init_subclass__(cls) -> None:
        if "aliases" in vars(cls):
            known = {**{name: name for name in (*cls.columns, *cls.optional)}, **cls.aliases}
            spelt = {form: column for name, column in known.items() for form in (name.capitalize(), name.upper(), name)}
            cls.names = {name: column for name, column in spelt.items() if name != column}

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(cls.renamed(row)) and not cls._is_ambiguous(row)

    @classmethod
    def _is_ambiguous(cls, row: Row) -> bool:
        """Whether two names of one column stand there: of `prompt` and `input` one would be lost."""
        named = [cls.names[key] for key in row if key in cls.names and cls.names[key] not in row]
        return len(named) > len(set(named))

    def read(self, row: Any) -> Conversation | Reject | list[Conversation]:
        return super().read(self.renamed(row) if isinstance(row, Mapping) else row)

    @classmethod
    def renamed(cls, row: Row) -> dict[str, Any]:
        """`row` under the names of `columns`."""
        return {cls.names.get(key, key): value for key, value in row.items() if cls.names.get(key) not in row}

    def telling(self, form: Carried) -> tuple[str, ...]:
        return (*super().telling(form), *(name for name, column in self.names.items() if column in form.empty))
