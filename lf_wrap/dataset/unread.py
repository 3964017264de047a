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
    """The columns that hold something in these rows, and without which each of them `read`s the same.

    `messages.id` is the key `id` of what stands in the column `messages`. At most `MOST` are looked at.
    """
    holding, used = dict[str, None](), set[str]()
    for row in rows:
        if not isinstance(row, dict) or not (made := _conversations(read(row))):
            continue
        for name, without in islice(_without_each(row), MOST):
            holding[name] = None
            if name not in used and _conversations(read(without)) != made:
                used.add(name)
    unread = {name for name in holding if name not in used}
    return [_shown(name) for name in holding if name in unread and name.rpartition(".")[0] not in unread][:MOST]


def _shown(name: str) -> str:
    """A name as one may print it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in name[:LONGEST])


def _conversations(results: Sequence[Conversation | Reject]) -> list[Conversation]:
    return [result for result in results if isinstance(result, Conversation)]


def _without_each(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The row without each of its columns that holds something, then without each key of the objects in it."""
    for name, value in row.items():
        if not _holds(value):
            continue
        yield str(name), {**row, name: None}
        if isinstance(value, Mapping):
            for key in filter(lambda key: _holds(value[key]), value):
                yield f"{name}.{key}", {**row, name: {**value, key: None}}
        elif isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            for key in dict.fromkeys(key for each in value for key in each if _holds(each[key])):
                yield f"{name}.{key}", {**row, name: [{**each, key: None} for each in value]}


def _holds(value: Any) -> bool:
    return value not in NOTHING and (isinstance(value, list | dict) or text(value) != "")
