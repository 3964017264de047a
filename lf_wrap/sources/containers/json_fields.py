"""Some fields of many JSON rows, as places in the bytes of a file: nothing of them becomes a Python value.

Rows that a program has written are mostly alike: flat objects with the same bytes between their texts. Where a range
holds nothing else, the places of its quotes tell all (`_alike`), at nearly the memory's speed. That they do is proven:
the first row is parsed, between the texts of every other row stands, byte for byte, what stands there in the first, and
no text holds a bare quote, a control character or an escape that JSON does not know. All other ranges are left to
msgspec, which skips what is not asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from lf_wrap.sources.containers.json_rows import Range

if TYPE_CHECKING:
    import msgspec

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

QUOTE, BACKSLASH, SPACE = b'"\\ '
BLANKS = b" \t\r\n"  # JSON knows no others
ESCAPES = np.isin(np.arange(256), list(b'"\\/bfnrt'))
BETWEEN_ELEMENTS = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*{[ \t\r\n]*")
BETWEEN_LINES = re.compile(rb"[ \t\r]*\n[ \t\r]*{[ \t\r]*")
NO_TEXT = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*([^ \t\r\n,}]*)")  # a value that is none, behind its key


@dataclass(frozen=True)
class Fields:
    """The JSON of some fields of all rows."""

    json: bytes
    begins: dict[str, Places]
    """Where in `json` each row's value of a field begins."""
    ends: dict[str, Places]
    """Where it ends: at its beginning in a row without that field."""
    escapes: Places
    """Where in `json` escapes begin."""

    @property
    def rows(self) -> int:
        return len(next(iter(self.begins.values())))


def fields_of(given: Range, names: tuple[str, ...]) -> Fields | None:
    """These fields of all rows of a byte range; None where not every row is a JSON object.

    The range is of a file that is known to be UTF-8 (`encoding`): nobody here looks.
    """
    return _alike(given, names) or _any(given, names)


def escapes_of(json: Bytes) -> Places:
    """Where escapes begin: at every backslash that no escape has begun right before."""
    found = np.flatnonzero(json == BACKSLASH)
    if not (np.diff(found) == 1).any():
        return found
    begins, before = [], -2
    for place in found.tolist():
        before = -2 if place == before + 1 else place
        if before == place:
            begins.append(place)
    return np.array(begins, np.int64)


def _alike(given: Range, names: tuple[str, ...]) -> Fields | None:
    """The fields, where all rows are flat objects that differ in nothing but their texts."""
    data, end = given.data, given.data.rfind(b"}") + 1
    closing = b"" if not given.is_array else b"]" if given.is_last else b","
    if not end or data[end:].strip(BLANKS) != closing:
        return None
    json = np.frombuffer(data, np.uint8, end)
    escapes = escapes_of(json)
    escaped = json[escapes + 1]  # a bracket ends it, so that something follows each
    if not ESCAPES[escaped].all():
        return None
    quotes = np.flatnonzero(json == QUOTE)
    if len(behind := escapes[escaped == QUOTE] + 1):
        quotes = np.delete(quotes, np.searchsorted(quotes, behind))
    first = _Shape.of(data, quotes, BETWEEN_ELEMENTS if given.is_array else BETWEEN_LINES)
    if first is None or not first.is_of_all(json, quotes):
        return None
    rows = quotes.reshape(-1, first.quotes)
    nowhere = np.zeros(len(rows), np.int64)
    spans = [(name, first.values.get(name)) for name in names]
    return Fields(
        data,
        {name: nowhere if span is None else rows[:, span.start[0]] + span.start[1] for name, span in spans},
        {name: nowhere if span is None else rows[:, span.stop[0]] + span.stop[1] for name, span in spans},
        escapes,
    )


@dataclass(frozen=True)
class _Shape:
    """What all rows must be like: the first row, and what stands between it and the second."""

    quotes: int
    """So many in a row."""
    values: dict[str, slice]
    """Where the value of each key begins and ends: the number of a quote in the row, and so many bytes from it."""
    pieces: list[tuple[int, bytes]]
    """What stands before each text, its quote included: from which quote on."""
    last: int
    """The quote that ends the last text,"""
    joint: bytes
    """what stands from there to the next row's first quote,"""
    tail: bytes
    """and what stands there in the last row."""
    head: bytes
    """What stands before the first quote of all."""

    @classmethod
    def of(cls, data: bytes, quotes: Places, between: re.Pattern[bytes]) -> _Shape | None:
        """The first row's, if it is flat and holds a text, and what stands between it and the next is `between`."""
        end = _end_of_flat(data, quotes)
        try:
            row = orjson.loads(data[:end])
        except orjson.JSONDecodeError:
            return None
        places = quotes[: 4 * len(row) + 1].tolist()
        values, pieces, at, closed = dict[str, slice](), list[tuple[int, bytes]](), 0, 0
        for key, value in row.items():
            if at + 2 > len(places):
                return None  # a key stands there twice
            if isinstance(value, str):
                pieces.append((closed, data[places[closed] : places[at + 2] + 1]))
                closed = at + 3
                values[key] = slice((at + 2, 0), (closed, 1))
                at += 4
            elif said := NO_TEXT.match(data, places[at + 1] + 1):
                values[key] = slice(*((at + 1, place - places[at + 1]) for place in said.span(1)))
                at += 2
        if not pieces or at != np.searchsorted(quotes, end):
            return None
        tail = data[places[closed] : end]
        joint = data[places[closed] : places[at] + 1] if at < len(places) else tail + b"\n{"
        before = data[: places[0]]  # an empty line counts where rows are numbered by their lines
        alone = between is BETWEEN_LINES and any(b"\n" in piece for piece in (before, *(piece for _, piece in pieces)))
        if alone or not between.fullmatch(joint, len(tail), len(joint) - 1):
            return None
        return cls(at, values, pieces, closed, joint, tail, before)

    def is_of_all(self, json: Bytes, quotes: Places) -> bool:
        """Whether every row of `json` has this shape."""
        if len(quotes) % self.quotes:
            return False
        rows = quotes.reshape(-1, self.quotes)
        stand = [_stands(piece, json, rows[:, quote]) for quote, piece in self.pieces]
        stand += [_stands(self.joint, json, rows[:-1, self.last]), json[rows[-1, self.last] :].tobytes() == self.tail]
        whole_row = sum(_controls(piece) for _, piece in self.pieces)
        controls = _controls(self.head) + len(rows) * whole_row + (len(rows) - 1) * _controls(self.joint)
        controls += _controls(self.tail)
        return all(stand) and (np.count_nonzero(json < SPACE) == controls if controls else bool(json.min() >= SPACE))


def _end_of_flat(data: bytes, quotes: Places) -> int:
    """Where the first object ends, if it holds no other: behind the first bracket that stands in no text."""
    end = data.find(b"}")
    while end >= 0 and np.searchsorted(quotes, end) % 2:
        end = data.find(b"}", end + 1)
    return end + 1


def _stands(piece: bytes, json: Bytes, places: Places) -> bool:
    """Whether `piece` stands at each of these places."""
    if not len(places) or places[-1] + len(piece) > len(json):
        return not len(places)
    # As texts of that length, of which one begins at every byte. NumPy's end at their last byte that is not 0.
    windows = np.ndarray((len(json) - len(piece) + 1,), f"S{len(piece)}", json, strides=(1,))
    return not piece.endswith(b"\0") and bool((windows[places] == piece).all())


def _controls(piece: bytes) -> int:
    return sum(byte < SPACE for byte in piece)


def _any(given: Range, names: tuple[str, ...]) -> Fields | None:
    """The fields of any rows."""
    import msgspec

    row, rows = _decoders(names)
    try:
        if given.is_array:
            found = rows.decode(given.text())
        else:
            found = list(map(row.decode, given.data.removesuffix(b"\n").split(b"\n")))
    except (msgspec.DecodeError, RecursionError):
        return None
    columns = [list(map(bytes, map(attrgetter(f"field_{place}"), found))) for place in range(len(names))]
    ends = np.cumsum([len(value) for column in columns for value in column], dtype=np.int64)
    begins = np.concatenate((np.zeros(1, np.int64), ends))[:-1]
    begun, ended = (dict(zip(names, places.reshape(len(names), -1), strict=True)) for places in (begins, ends))
    json = b"".join(value for column in columns for value in column)
    return Fields(json, begun, ended, escapes_of(np.frombuffer(json, np.uint8)))


@lru_cache(maxsize=8)
def _decoders(names: tuple[str, ...]) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[list[Any]]]:
    """Decoders of one row and of an array of rows that look at these fields alone."""
    import msgspec

    called = {f"field_{place}": name for place, name in enumerate(names)}
    row: Any = msgspec.defstruct(
        "Row", [(field, msgspec.Raw, msgspec.Raw(b"")) for field in called], rename=called, gc=False
    )
    return msgspec.json.Decoder(row), msgspec.json.Decoder(list[row])
