"""Which encoding a text file is in, and its content as UTF-8.

Chinese data comes as UTF-8 (with or without BOM), GB18030 (which holds GBK and GB2312), UTF-16 or UTF-32. Every file
is decoded strictly from end to end before the first row is used, or, where it seems to be UTF-8 and is large, piece by
piece as it is read, by whoever reads it: a wrong guess is an error, never a `?` in a row.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.sources.containers.chinese import HANZI, is_likely
from lf_wrap.sources.containers.utf8 import is_utf8, sound_until

BLOCK = 1 << 20
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class NotUtf8Error(Exception):
    """Something in a file that seemed to be UTF-8 is none."""


def seems_utf8(path: Path) -> bool:
    """Whether `path` begins as UTF-8 without a mark: how it goes on is to be proven."""
    with path.open("rb") as handle:
        head = handle.read(BLOCK)
    if b"\0" in head[:4096] or any(head.startswith(bom) for bom, _ in BOMS):
        return False
    return sound_until(head, len(head))[1]


def prove_utf8(data: bytes) -> None:
    """Nothing, if `data` is whole UTF-8.

    Raises:
        NotUtf8Error: it is not.
    """
    if not is_utf8(data):
        raise NotUtf8Error


def detect(path: Path) -> str:
    """The codec name `path` decodes with, strictly and completely.

    Raises:
        UserError: the file is binary, or decodes as none of the encodings.
    """
    with path.open("rb") as handle:
        head = handle.read(4096)
    for bom, codec in BOMS:
        if head.startswith(bom):
            return _as_its_mark_says(path, codec)
    if b"\0" in head:
        raise UserError(f"{shown(path)} is not a text file", fix="name a JSON, JSONL, CSV, TSV or Excel file")
    offsets = {}
    for codec in ("utf-8", "gb18030"):
        offset = _first_undecodable(path, codec)
        if offset is None:
            return codec if codec == "utf-8" else _if_chinese(path, codec)
        offsets[codec] = offset
    raise UserError(
        f"{shown(path)} is neither UTF-8 nor GB18030",
        where=f"byte {offsets['utf-8']} breaks UTF-8, byte {offsets['gb18030']} breaks GB18030",
        fix="convert it with iconv, or fetch it again: a file that mixes encodings has lost characters",
    )


def _if_chinese(path: Path, codec: str) -> str:
    """`codec`, if what it makes of the beginning of the file is Chinese."""
    with path.open("rb") as handle:
        begin = codecs.getincrementaldecoder(codec)().decode(handle.read(BLOCK))
    if is_likely(begin):
        return codec
    sample = next(line for line in begin.splitlines() if HANZI.search(line))
    raise UserError(
        f"{shown(path)} is not UTF-8, and read as GB18030 it is not Chinese",
        where=f"it would read {sample[:60]!r}",
        fix="convert it from the encoding it is in, e.g. iconv -f BIG5 -t UTF-8 (or EUC-KR, SHIFT_JIS, WINDOWS-1252, "
        "or GB18030 if that reads as it should)",
    )


def _as_its_mark_says(path: Path, codec: str) -> str:
    """`codec`, which the byte order mark names, if the file is in it."""
    if (offset := _first_undecodable(path, codec)) is None:
        return codec
    called = codec.removesuffix("-sig").upper()
    raise UserError(
        f"{shown(path)} begins as {called} but goes on otherwise",
        where=f"byte {offset} breaks it",
        fix="fetch it again (a cut-off download ends like this), or save it anew as UTF-8",
    )


def _first_undecodable(path: Path, codec: str) -> int | None:
    """The byte offset (to the block) at which strict decoding fails, or None."""
    if codec == "utf-8":
        return _first_not_utf8(path)
    decoder = codecs.getincrementaldecoder(codec)()
    position = 0
    with path.open("rb") as handle:
        while block := handle.read(BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                return position + error.start
            position += len(block)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return position
    return None


def _first_not_utf8(path: Path) -> int | None:
    """The same for UTF-8, the common case."""
    block, kept, position = bytearray(BLOCK), 0, 0
    with path.open("rb", buffering=0) as handle:
        while read := handle.readinto(memoryview(block)[kept:]):
            used, sound = sound_until(block, kept + read)
            if not sound:
                return position + used + _breaks_at(block[used : kept + read])
            kept = kept + read - used
            block[:kept] = block[used : used + kept]  # a character may be cut at the block's end
            position += used
    return position if kept else None


def _breaks_at(data: bytearray) -> int:
    """Where the decoder finds these bytes to be no UTF-8."""
    try:
        codecs.utf_8_decode(data, "strict", False)
    except UnicodeDecodeError as error:
        return error.start
    raise AssertionError("what Python decodes was taken for no UTF-8")


def utf8_blocks(path: Path, codec: str, *, proven: bool = True, start: int = 0) -> Iterator[bytes]:
    """The content of `path` from byte `start` on as UTF-8 without BOM, in blocks of about a megabyte.

    Raises:
        NotUtf8Error: it seemed to be UTF-8, was not `proven` to be, and is not.
    """
    with path.open("rb") as handle:
        handle.seek(start)
        if codec == "utf-8":
            blocks = iter(lambda: handle.read(BLOCK), b"")
            yield from blocks if proven else _proven(blocks)
            return
        decoder = codecs.getincrementaldecoder(codec)()
        while block := handle.read(BLOCK):
            yield decoder.decode(block).encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")


def _proven(blocks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            decoder.decode(block)
            yield block
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise NotUtf8Error from None
