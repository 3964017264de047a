"""Plain conversion of simple rows: the fields' JSON goes out as it came in, without becoming Python strings.

With every step off, the line of a simple row is its fields' own bytes between the pieces of the prompt. A row is
carried only where that line is, byte for byte, what `convert` would write; any other row takes the ordinary way.
Everything here works on columns, a list of one field's JSON in all rows of a part: no row costs a loop of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from lf_wrap.conversation import Conversation
from lf_wrap.dataset.layout import to_row
from lf_wrap.sources import PLACEHOLDER, Carried, Part, Source

if TYPE_CHECKING:
    import msgspec

Numbers = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Columns = dict[str, list[bytes]]
EMPTY = frozenset((b"", b"null", b'""', b"[]"))  # b"": the row has no such field
# How the JSON of most texts begins that are surely not blank: no blank character begins with these bytes.
PLAIN = frozenset(
    b'"%c' % byte for byte in (*range(0x21, 0x7F), *range(0xC3, 0xE0), *range(0xE4, 0xF5)) if byte not in b'"\\'
)
BACKSLASH = ord("\\")
REWRITTEN = tuple(b"u/")  # the second bytes of escapes that JSON allows and orjson writes otherwise, or refuses


@dataclass(frozen=True)
class Lines:
    """The line of each row of a part; None, and 0 for its lengths, for a row that must take the ordinary way."""

    lines: list[bytes | None]
    characters: Numbers
    answer_characters: Numbers

    def only(self, rows: slice) -> Lines:
        """Those of some rows."""
        return Lines(self.lines[rows], self.characters[rows], self.answer_characters[rows])


def carry(part: Part, source: Source) -> Lines | None:
    """The lines of a part's rows; None where it is not JSON of rows, in an array or one a line.

    A byte range is of a file that is known to be UTF-8 (`containers.encoding`): msgspec itself does not look.
    """
    forms = [_Form.of(carried, source) for carried in source.carried()]
    if not forms or (given := part.text()) is None:
        return None
    columns = _columns(*given, tuple(sorted({name for form in forms for name in (*form.texts, *form.empty)})))
    if columns is None:
        return None
    rows = len(next(iter(columns.values())))
    lines: list[bytes | None] = [None] * rows
    around = np.zeros((3, rows), np.int64)  # of each line: bytes of its answer, bytes after it, characters around both
    for form in forms:
        fitting = form.fitting(columns) & ~around[1].astype(bool)
        filled = [[value[1:-1] for value in compress(columns[name], fitting)] for name in form.filled]
        made = map(form.template.__mod__, zip(*filled, strict=True))
        for place, line in zip(np.flatnonzero(fitting).tolist(), made, strict=True):
            lines[place] = line
        around[0, fitting] = list(map(len, filled[-1]))
        around[1:, fitting] = [[form.tail], [form.characters]]
    return _measured(lines, *around)


@dataclass(frozen=True)
class _Form:
    """`Carried`, made ready for many rows."""

    template: bytes
    """The line, with `%b` for each field of `filled`."""
    filled: list[str]
    texts: list[str]
    """The fields that must be text."""
    empty: tuple[str, ...]
    tail: int
    """Bytes after the answer."""
    characters: int
    """Characters of the line, an escape being one, beyond those of question and answer."""

    @classmethod
    def of(cls, carried: Carried, source: Source) -> _Form:
        row = to_row(Conversation.single(carried.prompt, f"{{{carried.answer}}}"))
        pieces = PLACEHOLDER.split(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode("utf-8"))
        around, filled = [piece.encode("utf-8") for piece in pieces[::2]], pieces[1::2]
        framed = b"".join(around).decode("utf-8")
        said = sum(map(len, PLACEHOLDER.split(carried.prompt)[::2]))
        return cls(
            template=b"%b".join(piece.replace(b"%", b"%%") for piece in around),
            filled=filled,
            texts=list(dict.fromkeys((*filled, *source.columns))),
            empty=carried.empty,
            tail=len(around[-1]),
            characters=len(framed) - len(_escapes(np.frombuffer(framed.encode("utf-8"), np.uint8))) - said,
        )

    def fitting(self, columns: Columns) -> Mask:
        """Which rows are of this form."""
        wanted = [_are_texts(columns[name]) for name in self.texts]
        wanted += [_are(EMPTY, columns[name]) for name in self.empty]
        fits: Mask = np.all(wanted, axis=0)
        return fits


def _are_texts(column: list[bytes]) -> Mask:
    """Which fields are a text, and not blank."""
    plain = _are(PLAIN, [value[:2] for value in column])
    for place in np.flatnonzero(~plain).tolist():
        value = column[place]
        if value.startswith(b'"') and b"\\u" not in value:
            text: str = orjson.loads(value)
            plain[place] = bool(text) and not text.isspace()
    return plain


def _are(wanted: frozenset[bytes], column: list[bytes]) -> Mask:
    return np.fromiter(map(wanted.__contains__, column), bool, len(column))


def _columns(data: bytes, is_array: bool, names: tuple[str, ...]) -> Columns | None:
    """These fields of all rows, as they stand in the file; None where not every row is a JSON object."""
    import msgspec

    row, rows = _decoders(names)
    try:
        found = rows.decode(data) if is_array else list(map(row.decode, data.removesuffix(b"\n").split(b"\n")))
    except (msgspec.DecodeError, RecursionError):
        return None
    return {name: list(map(bytes, map(attrgetter(f"field_{place}"), found))) for place, name in enumerate(names)}


@lru_cache(maxsize=8)
def _decoders(names: tuple[str, ...]) -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[list[Any]]]:
    """Decoders of one row and of an array of rows that look at these fields alone."""
    import msgspec

    called = {f"field_{place}": name for place, name in enumerate(names)}
    row: Any = msgspec.defstruct(
        "Row", [(field, msgspec.Raw, msgspec.Raw(b"")) for field in called], rename=called, gc=False
    )
    return msgspec.json.Decoder(row), msgspec.json.Decoder(list[row])


def _measured(lines: list[bytes | None], answers: Places, tails: Places, characters: Places) -> Lines:
    """The lines with their lengths in characters, without those in which an escape would be written otherwise."""
    sizes = np.array([len(line or b"") for line in lines], np.int64)
    ends, together = np.cumsum(sizes), np.frombuffer(b"".join(filter(None, lines)), np.uint8)
    escapes = _escapes(together)
    rewritten = np.isin(together[escapes + 1], REWRITTEN)
    for place in np.searchsorted(ends, escapes[rewritten], side="right").tolist():
        lines[place], sizes[place] = None, 0
    before = _Characters(together, escapes)
    answered = ends - tails
    said = before.at(ends) - before.at(np.concatenate(([0], ends[:-1]))) - characters
    answer = before.at(answered) - before.at(answered - answers)
    return Lines(lines, *(np.where(sizes > 0, lengths, 0).astype(np.uint32) for lengths in (said, answer)))


def _escapes(json: Bytes) -> Places:
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


class _Characters:
    """Counts the characters before a byte of UTF-8 JSON, an escape being one; eight bytes at a time."""

    def __init__(self, json: Bytes, escapes: Places) -> None:
        begins = np.zeros(len(json) // 8 * 8 + 8, bool)
        np.not_equal(json & 0xC0, 0x80, out=begins[: len(json)])  # 10xxxxxx goes on with a character
        begins[escapes] = False
        self._eights = begins.view("<u8")
        self._before = np.concatenate(([0], np.cumsum(_sum(self._eights), dtype=np.int64)))

    def at(self, places: Places) -> Places:
        """How many begin before each of these bytes."""
        eights, rest = places >> 3, (places & 7).astype(np.uint64)
        first = self._eights[eights] & ((np.uint64(1) << (rest << np.uint64(3))) - np.uint64(1))
        counted: Places = self._before[eights] + _sum(first).astype(np.int64)
        return counted


def _sum(eights: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The sum of the eight bytes of each, all 0 or 1: the highest byte of their product with eight ones."""
    return (eights * np.uint64(0x0101010101010101)) >> np.uint64(56)
