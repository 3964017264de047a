"""A character card inside a picture: JSON as base64 in a PNG's text chunk `ccv3` (V3) or `chara` (V1, V2).

The chunks are walked without decoding the picture. Nothing in the file is believed unchecked: not a length, not a
checksum, not how large a compressed text becomes.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from lf_wrap.errors import UserError
from lf_wrap.files import shown

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
KEYWORDS = (b"ccv3", b"chara")  # the newer card first: a file may hold both
LARGEST = 16 << 20
FETCH_AGAIN = "fetch the card again: a download that was cut off or re-encoded looks like this"


def card_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """(1, the card): a PNG holds one.

    Raises:
        UserError: the file is no PNG, is broken, or holds no card that can be read.
    """
    found: dict[bytes, bytes] = {}
    with path.open("rb") as handle:
        for kind, data in _text_chunks(handle, path):
            keyword, _, rest = data.partition(b"\0")
            if (keyword := keyword.lower()) in KEYWORDS:
                found.setdefault(keyword, _text_of(kind, rest, path))
    for keyword in KEYWORDS:
        if keyword in found:
            yield 1, _card(found[keyword], path)
            return
    raise UserError(
        f"{shown(path)} is a picture without a character card",
        where="it has no text chunk `chara` or `ccv3`",
        fix="save the card as PNG from the program or site it comes from: editors and chat programs strip it",
    )


def _text_chunks(handle: IO[bytes], path: Path) -> Iterator[tuple[bytes, bytes]]:
    """(kind, data) of each text chunk, up to the chunk that ends the picture."""
    if handle.read(len(SIGNATURE)) != SIGNATURE:
        raise UserError(f"{shown(path)} is not a PNG picture, whatever its name says", fix=FETCH_AGAIN)
    size = path.stat().st_size
    while True:
        place, head = handle.tell(), handle.read(8)
        length, kind = struct.unpack(">I4s", head) if len(head) == 8 else (size, b"")
        if place + 12 + length > size:
            raise UserError(
                f"{shown(path)} is cut off", where=f"the chunk at byte {place} is not whole", fix=FETCH_AGAIN
            )
        if kind == b"IEND":
            return
        if kind not in TEXT_CHUNKS:
            handle.seek(length + 4, 1)
            continue
        if length > LARGEST:
            raise _unreadable(path, f"its text is {length:,} bytes long")
        data, checksum = handle.read(length), handle.read(4)
        if struct.pack(">I", zlib.crc32(kind + data)) != checksum:
            raise UserError(
                f"{shown(path)} is damaged",
                where=f"the checksum of the chunk at byte {place} is wrong",
                fix=FETCH_AGAIN,
            )
        yield kind, data


def _text_of(kind: bytes, rest: bytes, path: Path) -> bytes:
    """What a text chunk says after its keyword: plain, or compressed in one of two ways."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflated(rest[1:], path)
    flags, (*_, words) = rest[:2], rest[2:].split(b"\0", 2)  # the two skipped are a language and a translated keyword
    return _inflated(words, path) if flags[:1] == b"\1" else words


def _inflated(data: bytes, path: Path) -> bytes:
    inflater = zlib.decompressobj()
    try:
        words = inflater.decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise _unreadable(path, f"its compressed text is broken: {error}") from None
    if len(words) > LARGEST:
        raise _unreadable(path, f"its text is longer than {LARGEST:,} bytes")
    if not inflater.eof:
        raise _unreadable(path, "its compressed text is cut off")
    return words


def _card(encoded: bytes, path: Path) -> Any:
    try:
        return orjson.loads(base64.b64decode(b"".join(encoded.split()), validate=True))
    except ValueError as error:  # no base64, or no JSON in it
        raise _unreadable(path, f"its text is not base64 of JSON: {error}") from None


def _unreadable(path: Path, why: str) -> UserError:
    return UserError(f"the character card in {shown(path)} cannot be read", where=why, fix=FETCH_AGAIN)
