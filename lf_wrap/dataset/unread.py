"""Which columns of a raw file go into no conversation: people must know what is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import text

Read = Callable[[Any], Sequence[Conversation | Reject]]
MOST, LONGEST = 100, 60  # columns, and characters of a name: where keys are data themselves, some of them tell enough
NOTHING: tuple[Any, ...] = (None, "", [], {})


def unread_columns(rows: Sequence[Any], read: Read) -> list[str]:
    """The columns that hold something in these rows, and without all of which each of them `read`s the same.

    Of two that say the same the later is read. `messages.id` is the key `id` of what stands in the column `messages`.
    At most `MOST` are looked at.
    """
    holding, used = dict[str, None](), set[str]()
    for row in rows:
        if not isinstance(row, dict) or not (made := _conversations(read(row))):
            continue
        left = row
        for column, key in islice(_places(row), MOST):
            name = str(column) if key is None else f"{column}.{key}"
            holding[name] = None
            if name in used:
                continue
            if _conversations(read(without := _without(left, column, key))) == made:
                left = without
            else:
                used.add(name)
    unread = {name for name in holding if name not in used}
    return [_shown(name) for name in holding if name in unread and name.rpartition(".")[0] not in unread][:MOST]


def _shown(name: str) -> str:
    """A name as one may print it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in name[:LONGEST])


def _conversations(results: Sequence[Conversation | Reject]) -> list[Conversation]:
    return [result for result in results if isinstance(result, Conversation)]


def _places(row: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Each column of the row that holds something, with None, and behind it with each key of the objects in it."""
    for column, value in row.items():
        if not _holds(value):
            continue
        yield column, None
        objects = [value] if isinstance(value, Mapping) else value if isinstance(value, list) else []
        if all(isinstance(each, Mapping) for each in objects):
            for key in dict.fromkeys(key for each in objects for key in each if _holds(each[key])):
                yield column, key


def _without(row: dict[str, Any], column: Any, key: Any) -> dict[str, Any]:
    """The row with nothing in that column, or under that key of the objects in it."""
    value = row[column]
    if key is None or value is None:
        return {**row, column: None}
    if isinstance(value, Mapping):
        return {**row, column: {**value, key: None}}
    return {**row, column: [{**each, key: None} for each in value]}


def _holds(value: Any) -> bool:
    return value not in NOTHING and (isinstance(value, list | dict) or text(value) != "")
