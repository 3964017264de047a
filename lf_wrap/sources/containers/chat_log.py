"""SillyTavern's chat logs: JSON Lines of which the first tells of the chat, and every other is a message of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from lf_wrap.conversation import Reject
from lf_wrap.sources.containers.encoding import utf8_blocks

TELLS, SAYS = {"user_name", "character_name"}, {"mes", "is_user"}


def is_chat_log(head: bytes) -> bool:
    """Whether a text begins with the line that tells of a chat, and with one of its messages."""
    if not head.startswith(b"{"):  # an array may be one line of a megabyte
        return False
    lines = [_object(line) for line in head.split(b"\n", 2)[:2]]
    return len(lines) == 2 and lines[0].keys() >= TELLS and not SAYS & lines[0].keys() and lines[1].keys() >= SAYS


def chat_rows(path: Path, codec: str) -> Iterator[tuple[int, Any]]:
    """The one row that the whole file is: what its first line tells, and `chat`, its messages."""
    lines = [line for line in b"".join(utf8_blocks(path, codec)).split(b"\n") if line.strip()]
    first, *messages = map(_object, lines)
    broken = next((number for number, message in enumerate(messages, 2) if not message), None)
    yield 1, Reject("invalid JSON line", f"line {broken}") if broken else {**first, "chat": messages}


def _object(line: bytes) -> dict[str, Any]:
    """The object in a line; an empty one where there is none."""
    try:
        value = orjson.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
