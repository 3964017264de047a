"""Rows of JSON in each of the ways people keep them: array, lines, dict by id. Arrays and lines are streamed.

An array is cut into batches where one element seems to end and another to begin with the first element's first
key. Whether such a place really lies between two elements, and not inside one, is decided by parsing: `[` + batch
+ `]` is valid JSON only when the batch is a whole number of elements, since an open string, object or array would
be left unclosed. So the fast parser reads every byte once, and no scanner of ours can get a quote wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from lf_wrap.conversation import Reject
from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.sources.encoding import utf8_blocks

FIRST_KEY = re.compile(rb'\s*{\s*("(?:[^"\\]|\\.)*")')
# So many of the last seeming ends are tried before the buffer is read element by element.
ENDS_TRIED = 3
CUT_OFF = "fetch the file again (a cut-off download ends like this), or mend that place"


def json_rows(path: Path, codec: str) -> Iterator[tuple[int, Any]]:
    """(row number from 1, value) for each row; the value of a line that is no JSON is a `Reject`.

    Raises:
        UserError: the file is no JSON, or an array or dict that is broken off or malformed.
    """
    blocks = utf8_blocks(path, codec)
    first = next((started for block in blocks if (started := block.lstrip())), b"")
    if first.startswith(b"["):
        return enumerate(_array(first[1:], blocks, path), 1)
    if first.startswith(b"{"):
        return _lines_or_dict(first, blocks, path)
    raise UserError(f"{shown(path)} is not JSON", where=f"it begins with {first[:20]!r}", fix="check the file type")


def parse(data: bytes) -> Any:
    """One JSON document; NaN and Infinity, which pandas writes though JSON has none, become floats.

    Raises:
        ValueError: `data` is not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"NaN" in data or b"Infinity" in data:
            return json.loads(data)
        raise


def _array(buffer: bytes, blocks: Iterator[bytes], path: Path) -> Iterator[Any]:
    rows, enough = 0, 0
    key = FIRST_KEY.match(buffer)
    end = re.compile(rb"}\s*,\s*(?={\s*" + re.escape(key.group(1)) + rb"\s*:)") if key else None
    for block in chain((b"",), blocks):
        buffer += block
        if len(buffer) < enough:
            continue
        batch, buffer = _whole_elements(buffer, end)
        yield from batch
        rows += len(batch)
        enough = 0 if batch else 2 * len(buffer)  # an element longer than the buffer: read twice as much
    last, rest = _element_by_element(buffer)
    yield from last
    if rest.strip() != b"]":
        raise UserError(
            f"{shown(path)} is not a whole JSON array: {_obstacle(rest)}",
            where=f"after row {rows + len(last)}",
            fix=CUT_OFF,
        )


def _whole_elements(buffer: bytes, end: re.Pattern[bytes] | None) -> tuple[list[Any], bytes]:
    """As many whole elements as can be had from the front of `buffer`, and what is left of it."""
    ends = [match.span() for match in end.finditer(buffer)][-ENDS_TRIED:] if end else []
    for start, stop in reversed(ends):
        try:
            return parse(b"[" + buffer[: start + 1] + b"]"), buffer[stop:]
        except ValueError:
            continue
    return _element_by_element(buffer)


def _element_by_element(buffer: bytes) -> tuple[list[Any], bytes]:
    """The same, by the standard library's decoder, which tells where each element ends."""
    text = buffer.decode("utf-8", "ignore")  # a character may be cut at the end of the buffer
    decoder, position = json.JSONDecoder(), 0
    found: list[Any] = []
    while True:
        start = re.compile(r"[\s,]*").match(text, position).end()  # type: ignore[union-attr]  # matches anything
        try:
            element, position = decoder.raw_decode(text, start)
        except ValueError:
            return found, buffer[len(text[:position].encode("utf-8")) :]
        found.append(element)


def _obstacle(rest: bytes) -> str:
    """Why `rest`, in which no element could be read, is not the end of an array."""
    try:
        json.loads(b"[" + rest.lstrip(b" \t\r\n,"))
    except ValueError as error:
        at_end = (
            not rest.strip()
            or "Unterminated" in str(error)
            or getattr(error, "pos", 0) >= len(rest.decode("utf-8", "ignore"))
        )
        return "it ends in the middle of a row, or its closing ] is missing" if at_end else str(error)
    return "something follows its closing ]"


def _lines_or_dict(first: bytes, blocks: Iterator[bytes], path: Path) -> Iterator[tuple[int, Any]]:
    """JSON Lines, or one object that holds the rows by id (or is itself the only row)."""
    head = [first]
    while b"\n" not in head[-1].rstrip() and (block := next(blocks, None)) is not None:
        head.append(block)
    start = b"".join(head)
    if _are_lines(start):
        return _lines(chain((start,), blocks))
    return _dict_by_id(b"".join((start, *blocks)), path)


def _are_lines(start: bytes) -> bool:
    """Whether one of the first lines, not being the only one, is a whole object: pretty-printed JSON has none."""
    lines = [line for line in start.split(b"\n", 20)[:20] if line.strip()]
    return len(lines) > 1 and any(line.startswith(b"{") and not isinstance(_line(line), Reject) for line in lines)


def _lines(blocks: Iterator[bytes]) -> Iterator[tuple[int, Any]]:
    number, pending = 0, b""
    for block in blocks:
        *lines, pending = (pending + block).split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield number, _line(line)
    if pending.strip():
        yield number + 1, _line(pending)


def _line(line: bytes) -> Any:
    try:
        return parse(line)
    except ValueError as error:
        return Reject("invalid JSON line", f"{error}: {line[:200].decode('utf-8', 'replace')}")


def _dict_by_id(data: bytes, path: Path) -> Iterator[tuple[int, Any]]:
    try:
        value = parse(data)
    except ValueError as error:
        raise UserError(f"{shown(path)} is not whole JSON: {error}", fix=CUT_OFF) from None
    if not value or not all(isinstance(row, dict) for row in value.values()):
        yield 1, value
        return
    for number, (key, row) in enumerate(value.items(), 1):
        yield number, {"id": key, **row}
