"""Rows of JSON in each of the ways people keep them: array, lines, dict by id. Arrays and lines are streamed, and cut
into byte ranges that several processes can read side by side.

An array is cut into batches where one element seems to end and another to begin with the first element's first
key. Whether such a place really lies between two elements, and not inside one, is decided by parsing: `[` + batch
+ `]` is valid JSON only when the batch is a whole number of elements, since an open string, object or array would
be left unclosed. So the fast parser reads every byte once, and no scanner of ours can get a quote wrong.
"""

from __future__ import annotations

import json
import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from lf_wrap.conversation import Reject
from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.sources.containers.encoding import prove_utf8, utf8_blocks

FIRST_KEY = re.compile(rb'\s*{\s*("(?:[^"\\]|\\.)*")')
# So many of the last seeming ends are tried before the buffer is read element by element.
ENDS_TRIED = 3
# A cut is looked for in so many bytes after the place where it is wished: in few first, for most rows are short.
WINDOWS = (1 << 14, 1 << 20)
WRAPPED_IN = ("data", "rows", "examples", "instances", "items", "records", "train")
CUT_OFF = "fetch the file again (a cut-off download ends like this), or mend that place"


def json_rows(path: Path, codec: str, *, proven: bool = True) -> Iterator[tuple[int, Any]]:
    """(row number from 1, value) for each row; the value of a line that is no JSON is a `Reject`.

    Raises:
        NotUtf8Error: it was not `proven` to be UTF-8, and is not.
        UserError: the file is no JSON, or an array or dict that is broken off or malformed.
    """
    blocks = utf8_blocks(path, codec, proven=proven)
    first = next((started for block in blocks if (started := block.lstrip())), b"")
    if first.startswith(b"["):
        return enumerate(_array(first[1:], blocks, path), 1)
    if first.startswith(b"{"):
        return _lines_or_dict(first, blocks, path)
    raise UserError(f"{shown(path)} is not JSON", where=f"it begins with {first[:20]!r}", fix="check the file type")


def ranges(path: Path, size: int) -> list[tuple[int, int]]:
    """Byte ranges of about `size` of a UTF-8 array or JSON Lines file, cut where a row seems to end.

    A file that cannot be cut (a dict by id, or an array in which no row's end is in sight) is none.
    """
    total = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(size)
        body = len(head) - len(head.lstrip())
        if head[body : body + 1] == b"[":
            start, end = body + 1, _end_of_element(head[body + 1 :])
        elif _are_lines(head[body:]):
            start, end = body, re.compile(rb"\n")
        else:
            return []
        if end is None:
            return []
        cuts = [start]
        for goal in range(start + size, total - size // 2, size):
            for window in WINDOWS:
                handle.seek(goal)
                if found := end.search(handle.read(window)):
                    cuts.append(goal + found.end())
                    break
    return list(zip(cuts, [*cuts[1:], total], strict=True))


class NotWholeRowsError(Exception):
    """A byte range does not begin and end with rows."""


def range_rows(path: Path, start: int, stop: int, *, proven: bool = True) -> list[tuple[int, Any]]:
    """The rows between two cuts of `ranges`, numbered from 1.

    When this gives rows for every range up to one, that one's start is the end of a row: see the head of this file.

    Raises:
        NotWholeRowsError: a cut lies inside a row of an array, or the array is not whole.
        NotUtf8Error: it was not `proven` to be UTF-8, and is not.
    """
    given = read_range(path, start, stop, proven=proven)
    if not given.is_array:
        return list(_lines(iter((given.data,))))
    try:
        return list(enumerate(parse(given.text()), 1))
    except ValueError as error:
        raise NotWholeRowsError(str(error)) from None


class Range(NamedTuple):
    """The bytes between two cuts of `ranges`."""

    data: bytes
    is_array: bool
    """Whether they are cut out of an array; else they are lines."""
    is_last: bool
    """Whether the file ends with them."""

    def text(self) -> bytes:
        """What is cut out of an array as an array: with its brackets."""
        body = self.data.rstrip()
        return b"".join((b"[", body if self.is_last else body.removesuffix(b",") + b"]"))


def read_range(path: Path, start: int, stop: int, *, proven: bool = True) -> Range:
    """The JSON between two cuts of `ranges`.

    Raises:
        NotUtf8Error: it was not `proven` to be UTF-8, and is not.
    """
    with path.open("rb") as handle:
        is_array = next(byte for byte in iter(lambda: handle.read(1), b"") if not byte.isspace()) == b"["
        data = os.pread(handle.fileno(), stop - start, start)
        is_last = stop >= os.fstat(handle.fileno()).st_size
    if not proven:
        prove_utf8(data)
    return Range(data, is_array, is_last)


def rows_from(path: Path, start: int, before: int, *, proven: bool = True) -> Iterator[tuple[int, Any]]:
    """The rows of a UTF-8 array from byte `start` on, where a row begins and `before` rows have been.

    Raises:
        UserError: the array is broken off or malformed.
        NotUtf8Error: it was not `proven` to be UTF-8, and is not.
    """
    blocks = utf8_blocks(path, "utf-8", proven=proven, start=start)
    return enumerate(_array(b"", blocks, path, before), before + 1)


def _end_of_element(buffer: bytes) -> re.Pattern[bytes] | None:
    """What stands between two elements of an array, judged by the first element's first key."""
    key = FIRST_KEY.match(buffer)
    return re.compile(rb"}\s*,\s*(?={\s*" + re.escape(key.group(1)) + rb"\s*:)") if key else None


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


def _array(buffer: bytes, blocks: Iterator[bytes], path: Path, rows: int = 0) -> Iterator[Any]:
    enough = 0
    end = _end_of_element(buffer)
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
    if rest.strip(b" \t\r\n,") != b"]":
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
        except (ValueError, RecursionError):
            return found, buffer[len(text[:position].encode("utf-8")) :]
        found.append(element)


def _obstacle(rest: bytes) -> str:
    """Why `rest`, in which no element could be read, is not the end of an array."""
    try:
        json.loads(b"[" + rest.lstrip(b" \t\r\n,"))
    except RecursionError:
        return "it is nested too deeply"
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
    return len(lines) > 1 and any(line.startswith(b"{") and not isinstance(_line(line)[0], Reject) for line in lines)


def _lines(blocks: Iterator[bytes]) -> Iterator[tuple[int, Any]]:
    number, pending = 0, b""
    for block in blocks:
        *lines, pending = (pending + block).split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield from ((number, value) for value in _line(line.removeprefix(BOM_UTF8)))
    if pending.strip():
        yield from ((number + 1, value) for value in _line(pending.removeprefix(BOM_UTF8)))


def _line(line: bytes) -> list[Any]:
    """What stands in a line: one value, objects one behind another, or a `Reject`."""
    try:
        return [parse(line)]
    except ValueError as error:
        reject = Reject("invalid JSON line", f"{error}: {line[:200].decode('utf-8', 'replace')}")
        return _one_behind_another(line) or [reject]


def _one_behind_another(data: bytes) -> list[Any]:
    """The objects that `data` is, with nothing but blanks and commas between them; none if it is anything else."""
    values, rest = _element_by_element(data)
    return values if not rest.strip(b" \t\r\n,") and all(isinstance(value, dict) for value in values) else []


def _dict_by_id(data: bytes, path: Path) -> Iterator[tuple[int, Any]]:
    try:
        value = parse(data)
    except ValueError as error:
        if rows := _one_behind_another(data):
            return enumerate(rows, 1)
        raise UserError(f"{shown(path)} is not whole JSON: {error}", fix=CUT_OFF) from None
    if value and all(isinstance(row, dict) for row in value.values()):
        return enumerate(({"id": key, **row} for key, row in value.items()), 1)
    return enumerate(_wrapped(value) or [value], 1)


def _wrapped(value: dict[str, Any]) -> list[Any]:
    """The rows that stand in an object under one of the names that are usual for them, with no other lists beside."""
    lists = [key for key, held in value.items() if isinstance(held, list)]
    rows = value[lists[0]] if len(lists) == 1 and lists[0] in WRAPPED_IN else []
    return rows if all(isinstance(row, dict) for row in rows) else []
