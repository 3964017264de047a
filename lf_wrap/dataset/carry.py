"""Plain conversion of simple rows: the fields' JSON goes out as it came in, without becoming Python strings.

With every step off, the line of a simple row is its fields' own bytes between the pieces of the prompt. A row is
carried only where that line is, byte for byte, what `convert` would write; any other row takes the ordinary way.
Everything here works on the places of one field's JSON in all rows of a part: a row costs nothing but its slices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from lf_wrap.conversation import Conversation
from lf_wrap.dataset.layout import to_row
from lf_wrap.sources import PLACEHOLDER, Carried, Part, Source
from lf_wrap.sources.containers.json_fields import Bytes, Fields, Places, fields_of

Numbers = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]
QUOTE = ord('"')
NOTHING = (b"null", b'""', b"[]")
# With which bytes a text begins that is surely not blank: no blank character begins so.
PLAIN = np.isin(np.arange(256), [*range(0x21, 0x7F), *range(0xC3, 0xE0), *range(0xE4, 0xF5)])
PLAIN[list(b'"\\')] = False
AT_ONCE = 200  # rows whose slices stay in the processor's cache, and need no new memory: four times as fast as all
# The second bytes of escapes that JSON allows and orjson writes otherwise, or refuses.
REWRITTEN = np.zeros(256, bool)
REWRITTEN[list(b"u/")] = True


@dataclass(frozen=True)
class Lines:
    """The lines of a part's rows; one that must take the ordinary way has none, and zeros."""

    text: bytes
    """The lines, end to end."""
    sizes: Numbers
    """Bytes of each row's line."""
    characters: Numbers
    answer_characters: Numbers

    def only(self, rows: slice) -> Lines:
        """Those of some rows."""
        begin, size = (int(self.sizes[some].sum()) for some in (slice(0, rows.start), rows))
        lengths = (each[rows] for each in (self.sizes, self.characters, self.answer_characters))
        return Lines(self.text[begin : begin + size], *lengths)


def carry(part: Part, source: Source) -> Lines | None:
    """The lines of a part's rows; None where it is not JSON of rows, in an array or one a line."""
    forms = [_Form.of(carried, source) for carried in source.carried()]
    if not forms or (given := part.json()) is None:
        return None
    fields = fields_of(given, tuple(sorted({name for form in forms for name in (*form.texts, *form.empty)})))
    if fields is None:
        return None
    told = _Told(fields)
    sizes, characters, answer_characters = (np.zeros(fields.rows, np.uint32) for _ in range(3))
    texts, left = [], np.ones(fields.rows, bool)
    for form in forms:
        if not left.any():
            break
        rows = np.flatnonzero(form.fitting(told) & left)
        left[rows] = False
        spans = [(fields.begins[name][rows] + 1, fields.ends[name][rows] - 1) for name in form.filled]
        sizes[rows] = form.size + sum(ends - begins for begins, ends in spans)
        lengths = [told.characters(*places) for places in spans]
        characters[rows], answer_characters[rows] = form.characters + sum(lengths), lengths[-1]
        texts.append((rows, form.text(fields.json, spans)))
    return Lines(_in_order(texts, sizes), sizes, characters, answer_characters)


def _in_order(texts: list[tuple[Places, bytes]], sizes: Numbers) -> bytes:
    """The lines of several forms, of the rows named, in the order of the rows."""
    made = [(rows, text) for rows, text in texts if text]
    if len(made) < 2:
        return b"".join(text for _, text in made)
    lines: dict[int, bytes] = {}
    for rows, text in made:
        ends = np.cumsum(sizes[rows], dtype=np.int64)
        lines |= zip(rows.tolist(), _slices(text, ends - sizes[rows], ends), strict=True)
    return b"".join(lines[row] for row in sorted(lines))


@dataclass(frozen=True)
class _Form:
    """`Carried`, made ready for many rows."""

    around: list[bytes]
    """The line's bytes before, between and behind its fields."""
    filled: list[str]
    """Its fields; the last is the answer."""
    characters: int
    """Characters of the prompt, without the fields'."""
    texts: list[str]
    """The fields that must be text."""
    empty: tuple[str, ...]

    @classmethod
    def of(cls, carried: Carried, source: Source) -> _Form:
        row = to_row(Conversation.single(carried.prompt, f"{{{carried.answer}}}"))
        pieces = PLACEHOLDER.split(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE).decode("utf-8"))
        return cls(
            around=[piece.encode("utf-8") for piece in pieces[::2]],
            filled=pieces[1::2],
            characters=sum(map(len, PLACEHOLDER.split(carried.prompt)[::2])),
            texts=list(dict.fromkeys((*pieces[1::2], *source.columns))),
            empty=source.telling(carried),
        )

    @property
    def size(self) -> int:
        """Bytes of the line, without the fields'."""
        return sum(map(len, self.around))

    def text(self, json: bytes, spans: list[tuple[Places, Places]]) -> bytes:
        """The lines of rows whose fields stand at `spans` of `json`."""
        return b"".join(
            self._some(json, [(begins[at : at + AT_ONCE], ends[at : at + AT_ONCE]) for begins, ends in spans])
            for at in range(0, len(spans[0][0]), AT_ONCE)
        )

    def _some(self, json: bytes, spans: list[tuple[Places, Places]]) -> bytes:
        *before, behind = self.around
        pieces = [*(piece for constant in before for piece in (constant, b"")), behind] * len(spans[0][0])
        for place, span in enumerate(spans):
            pieces[2 * place + 1 :: 2 * len(spans) + 1] = _slices(json, *span)
        return b"".join(pieces)

    def fitting(self, told: _Told) -> Mask:
        """Which rows are of this form."""
        fits: Mask = np.all([*map(told.is_text, self.texts), *map(told.is_empty, self.empty)], axis=0)
        for name in self.filled:
            fits[told.rewritten(name)] = False
        return fits


class _Told:
    """What the bytes of fields tell of them."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._json = np.frombuffer(fields.json, np.uint8)
        self._rewritten = fields.escapes[REWRITTEN[self._json[fields.escapes + 1]]]
        self._before = _CharactersBefore(self._json, fields.escapes)

    def is_text(self, name: str) -> Mask:
        """In which rows a field is a text, and not blank."""
        begins, ends = self._fields.begins[name], self._fields.ends[name]
        if not len(self._json):
            return np.zeros(len(begins), bool)
        last = len(self._json) - 1
        text: Mask = (ends - begins > 2) & (self._json[np.minimum(begins, last)] == QUOTE)
        plain: Mask = PLAIN[self._json[np.minimum(begins + 1, last)]]
        for row in np.flatnonzero(text & ~plain).tolist():
            value = self._fields.json[begins[row] : ends[row]]
            text[row] = b"\\u" not in value and not orjson.loads(value).isspace()
        return text

    def is_empty(self, name: str) -> Mask:
        """In which rows nothing stands in a field."""
        begins, ends = self._fields.begins[name], self._fields.ends[name]
        empty: Mask = begins == ends
        if empty.all():  # no row has it: the common case
            return empty
        for value in NOTHING if len(self._json) else ():  # no other JSON is so long and ends so
            empty |= (ends - begins == len(value)) & (self._json[ends - 1] == value[-1])
        return empty

    def rewritten(self, name: str) -> Places:
        """The rows in which an escape stands in a field that would be written otherwise."""
        begins, ends = self._fields.begins[name], self._fields.ends[name]
        rows = np.searchsorted(begins, self._rewritten, side="right") - 1
        return rows[(rows >= 0) & (self._rewritten < ends[rows])]

    def characters(self, begins: Places, ends: Places) -> Places:
        """How many characters stand between these places."""
        return self._before.at(ends) - self._before.at(begins)


class _CharactersBefore:
    """Counts the characters before a byte of UTF-8 JSON, an escape being one: a bit for each byte, 64 at a time."""

    def __init__(self, json: Bytes, escapes: Places) -> None:
        begins = json.view(np.int8) >= -64  # 10xxxxxx goes on with a character
        begins[escapes] = False
        self._words = np.zeros(len(json) // 64 + 1, "<u8")
        self._words.view(np.uint8)[: -(-len(json) // 8)] = np.packbits(begins, bitorder="little")
        self._before = np.zeros(len(self._words) + 1, np.int64)
        np.cumsum(np.bitwise_count(self._words), out=self._before[1:])

    def at(self, places: Places) -> Places:
        """How many begin before each of these bytes."""
        words, rest = places >> 6, (places & 63).astype(np.uint64)
        first = self._words[words] & ((np.uint64(1) << rest) - np.uint64(1))
        counted: Places = self._before[words] + np.bitwise_count(first)
        return counted


def _slices(json: bytes, begins: Places, ends: Places) -> Iterator[bytes]:
    return map(json.__getitem__, map(slice, begins.tolist(), ends.tolist()))
