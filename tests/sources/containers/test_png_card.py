"""Cards inside PNG pictures, which are built here byte by byte."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lf_wrap.errors import UserError
from lf_wrap.sources.character_card import CharacterCard
from lf_wrap.sources.containers import png_card
from lf_wrap.sources.containers.png_card import card_rows

V1 = {"name": "艾达", "description": "", "personality": "", "scenario": "", "first_mes": "", "mes_example": ""}
V2 = {"spec": "chara_card_v2", "spec_version": "2.0", "data": V1}
V3 = {"spec": "chara_card_v3", "spec_version": "3.0", "data": V1}


def encoded(card: Any) -> bytes:
    return base64.b64encode(json.dumps(card, ensure_ascii=False).encode())


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def plain(card: Any, keyword: bytes = b"chara") -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + encoded(card))


def zipped(words: bytes) -> bytes:
    return chunk(b"zTXt", b"chara\0\0" + words)


def picture(*chunks: bytes) -> bytes:
    """A picture that programs can show, with more chunks before its end."""
    handle = io.BytesIO()
    Image.new("RGB", (2, 2)).save(handle, "PNG")
    whole = handle.getvalue()
    return whole[:-12] + b"".join(chunks) + whole[-12:]


def read(tmp_path: Path, content: bytes) -> Any:
    path = tmp_path / "card.png"
    path.write_bytes(content)
    rows = list(card_rows(path))
    assert [number for number, _ in rows] == [1]
    return rows[0][1]


@pytest.mark.parametrize(
    ("chunks", "card"),
    [
        ([plain(V1)], V1),
        ([plain(V2, b"Chara")], V2),
        ([plain(V3, b"ccv3")], V3),
        ([plain(V2), plain(V3, b"ccv3")], V3),
        ([chunk(b"tEXt", b"Software\0x"), plain(V2), chunk(b"tIME", b"1234567")], V2),
        ([zipped(zlib.compress(encoded(V1)))], V1),
        ([chunk(b"iTXt", b"chara\0\0\0en\0card\0" + encoded(V2))], V2),
        ([chunk(b"iTXt", b"chara\0\1\0\0\0" + zlib.compress(encoded(V2)))], V2),
        ([chunk(b"tEXt", b"chara\0" + b"\n".join([encoded(V1)[:8], encoded(V1)[8:]]))], V1),
    ],
)
def test_the_card_is_found_in_each_kind_of_text_chunk(tmp_path: Path, chunks: list[bytes], card: Any) -> None:
    found = read(tmp_path, picture(*chunks))
    assert found == card
    assert CharacterCard.fits(found)


def test_what_follows_the_end_of_the_picture_is_not_read(tmp_path: Path) -> None:
    assert read(tmp_path, picture(plain(V1)) + b"trailing bytes") == V1


BAD_CRC = plain(V1)[:-1] + bytes([plain(V1)[-1] ^ 1])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (picture(), "is a picture without a character card"),
        (picture(chunk(b"tEXt", b"comment\0" + encoded(V1))), "is a picture without a character card"),
        (b"\xff\xd8\xff\xe0 a JPEG", "is not a PNG picture, whatever its name says"),
        (picture(plain(V1))[:-12], "is cut off"),
        (picture(plain(V1))[:-30], "is cut off"),
        (picture()[:8] + struct.pack(">I", 0xFFFFFFFF) + b"tEXt", "is cut off"),
        (picture(BAD_CRC), "the checksum of the chunk at byte"),
        (picture(chunk(b"tEXt", b"chara\0{}")), "not base64 of JSON"),
        (picture(chunk(b"tEXt", b"chara")), "not base64 of JSON"),
        (picture(chunk(b"tEXt", b"chara\0" + base64.b64encode(b'{"name": '))), "not base64 of JSON"),
        (picture(chunk(b"tEXt", b"chara\0" + base64.b64encode(b"[" * 10_000))), "not base64 of JSON"),
        (picture(chunk(b"iTXt", b"chara\0\1\0")), "compressed text is"),
        (picture(zipped(b"no deflate")), "compressed text is broken"),
        (picture(zipped(zlib.compress(encoded(V1))[:-6])), "compressed text is cut off"),
    ],
)
def test_a_picture_that_holds_no_card_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, content)
    assert says in str(caught.value)
    assert "card.png" in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("text", [zipped(zlib.compress(b"A" * 5000)), chunk(b"tEXt", b"chara\0" + b"A" * 5000)])
def test_text_that_is_or_becomes_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes
) -> None:
    monkeypatch.setattr(png_card, "LARGEST", 4000)
    with pytest.raises(UserError, match="cannot be read") as caught:
        read(tmp_path, picture(text))
    assert "long" in str(caught.value.where)
