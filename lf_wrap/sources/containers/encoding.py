"""Which encoding a text file is in, and its content as UTF-8.

Chinese data comes as UTF-8 (with or without BOM), GB18030 (which holds GBK and GB2312), UTF-16 or UTF-32. The file is
decoded strictly from end to end before the first row is used: a wrong guess is an error, never a `?` in a row.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.files import shown

BLOCK, CACHED = 1 << 20, 1 << 16
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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
            return codec
        offsets[codec] = offset
    raise UserError(
        f"{shown(path)} is neither UTF-8 nor GB18030",
        where=f"byte {offsets['utf-8']} breaks UTF-8, byte {offsets['gb18030']} breaks GB18030",
        fix="convert it with iconv, or fetch it again: a file that mixes encodings has lost characters",
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
    """The same for UTF-8, the common case: in pieces that stay in the processor's cache it takes half the time."""
    block, kept, position = memoryview(bytearray(BLOCK)), 0, 0
    with path.open("rb", buffering=0) as handle:
        while read := handle.readinto(block[kept:]):
            at, end = 0, kept + read
            used = end
            while at < end and used:
                try:
                    _, used = codecs.utf_8_decode(block[at : min(at + CACHED, end)], "strict", False)
                except UnicodeDecodeError as error:
                    return position + at + error.start
                at += used
            kept = end - at
            block[:kept] = bytes(block[at:end])  # a character may be cut at the block's end
            position += at
    return position if kept else None


def utf8_blocks(path: Path, codec: str) -> Iterator[bytes]:
    """The content of `path` as UTF-8 without BOM, in blocks of about a megabyte."""
    with path.open("rb") as handle:
        if codec == "utf-8":
            while block := handle.read(BLOCK):
                yield block
            return
        decoder = codecs.getincrementaldecoder(codec)()
        while block := handle.read(BLOCK):
            yield decoder.decode(block).encode("utf-8")
        yield decoder.decode(b"", final=True).encode("utf-8")
