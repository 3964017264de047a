"""Opens a raw file as a stream of rows, whatever it is: told by its first bytes, not by its name."""

from __future__ import annotations

import zipfile
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import existing_file, shown
from lf_wrap.sources.containers import json_rows
from lf_wrap.sources.containers.archives import members
from lf_wrap.sources.containers.chat_log import chat_rows, is_chat_log
from lf_wrap.sources.containers.encoding import detect, seems_utf8, utf8_blocks
from lf_wrap.sources.containers.parquet_rows import parquet_rows
from lf_wrap.sources.containers.paths import files_of
from lf_wrap.sources.containers.png_card import card_rows
from lf_wrap.sources.containers.tables import (
    are_blocks,
    block_rows,
    csv_rows,
    ends_open,
    excel_rows,
    other_sheets,
    uncalculated,
)

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
# How files that are no text begin. A .xlsx is a zip archive, a .xls an OLE container.
BINARY = {ZIP: "excel", b"\xd0\xcf\x11\xe0": "excel", b"PAR1": "parquet", b"\x89PNG\r\n\x1a\n": "card"}


@dataclass(frozen=True)
class RawFile:
    """A raw file whose container and encoding are known; iterating gives (row number, value or `Reject`)."""

    path: Path
    container: str  # a key of CONTAINERS
    encoding: str  # a Python codec name; "binary" for workbooks and the like
    name: str
    """What people know it by: its path, or an archive's and its own."""
    proven: bool = True
    """Whether all of it is known to be in its encoding. What is not is proven when it is read: see `open_all`."""

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        return CONTAINERS[self.container](self)

    @property
    def may_be_cut_off(self) -> bool:
        """Whether the last row may lack its end without anything else telling: JSON and packed files tell it."""
        return self.container in ("csv", "blocks") and ends_open(self.path)

    @property
    def uncalculated(self) -> int:
        """How many cells of a workbook hold a formula without its result."""
        return uncalculated(self.path) if self.container == "excel" else 0

    @property
    def other_sheets(self) -> list[str]:
        """The sheets of a workbook from which no rows are taken, though they are not empty."""
        return other_sheets(self.path) if self.container == "excel" else []

    def ranges(self, size: int) -> list[Part]:
        """The file in parts of about `size` bytes, in order, which any process may read; none where it is no such."""
        cut = self.container == "json" and self.encoding == "utf-8"
        return [Part(self, span=span) for span in json_rows.ranges(self.path, size)] if cut else []

    def batches(self, rows: int) -> Iterator[Part]:
        """The file read here and now, in parts of so many rows."""
        return self._batched(iter(self), rows)

    def batches_from(self, start: int, before: int, rows: int) -> Iterator[Part]:
        """The same from byte `start` of a JSON array on, where a row begins and `before` rows have been."""
        return self._batched(json_rows.rows_from(self.path, start, before, proven=self.proven), rows)

    def _batched(self, numbered: Iterator[tuple[int, Any]], rows: int) -> Iterator[Part]:
        while batch := list(islice(numbered, rows)):
            yield Part(self, batch=batch)


@dataclass(frozen=True)
class Part:
    """Some rows of a raw file: a byte range that is still to be read, or a batch that has been."""

    raw: RawFile
    span: tuple[int, int] | None = None
    batch: list[tuple[int, Any]] | None = None

    def rows(self) -> list[tuple[int, Any]]:
        """(row number, value or `Reject`); the numbers of a byte range count from its own beginning.

        Raises:
            NotWholeRowsError: the byte range does not hold whole rows.
            NotUtf8Error: the file seemed to be UTF-8, and is not.
        """
        if self.span:
            return json_rows.range_rows(self.raw.path, *self.span, proven=self.raw.proven)
        return self.batch or []

    def json(self) -> json_rows.Range | None:
        """The JSON of a byte range, in UTF-8; None for a batch.

        Raises:
            NotUtf8Error: the file seemed to be UTF-8, and is not.
        """
        return json_rows.read_range(self.raw.path, *self.span, proven=self.raw.proven) if self.span else None


CONTAINERS: dict[str, Callable[[RawFile], Iterator[tuple[int, Any]]]] = {
    "json": lambda raw: json_rows.json_rows(raw.path, raw.encoding, proven=raw.proven),
    "chat": lambda raw: chat_rows(raw.path, raw.encoding),
    "csv": lambda raw: csv_rows(raw.path, raw.encoding),
    "blocks": lambda raw: block_rows(raw.path, raw.encoding),
    "excel": lambda raw: excel_rows(raw.path),
    "parquet": lambda raw: parquet_rows(raw.path),
    "card": lambda raw: card_rows(raw.path),
}


def open_all(given: str, unpacked: Path, fix: str | None = None, *, prove: bool = True) -> list[RawFile]:
    """The raw files that `given` means: a file, a folder's, a pattern's; archives are unpacked into `unpacked`.

    Unless they are to be proven here, JSON that begins as UTF-8 is taken for it: whoever reads on meets `NotUtf8Error`
    where it is none, and is to open all again and have it proven.

    Raises:
        UserError: there are none, or one cannot be read. `fix` is what to tell whoever has not got them.
    """
    raw = []
    for number, path in enumerate(files_of(given, fix)):
        if is_archive(existing_file(path, fix)):
            inner = members(path, unpacked / f"{len(list(unpacked.glob('*')))}-{number}")
            called = {member: f"{shown(path)}: {member.name.partition('-')[2]}" for member in inner}
            raw += [open_rows(member, name=name, prove=prove) for member, name in called.items()]
        else:
            raw.append(open_rows(path, fix, prove=prove))
    return raw


def is_archive(path: Path) -> bool:
    """Whether `path` is a .gz or .zip that holds files; a workbook is a zip archive too, but holds sheets."""
    with path.open("rb") as handle:
        magic = handle.read(4)
    return magic.startswith(GZIP) or (magic == ZIP and not _is_workbook(path))


def open_rows(path: Path, fix: str | None = None, *, name: str | None = None, prove: bool = True) -> RawFile:
    """The raw file at `path`, called `name` in messages; `fix` is what to tell whoever has not got it.

    `prove`: see `open_all`.

    Raises:
        UserError: the file is missing, empty, binary, or in no known encoding.
    """
    existing_file(path, fix)
    name = name or shown(path)
    with path.open("rb") as handle:
        magic = handle.read(8)
    for start, container in BINARY.items():
        if magic.startswith(start):
            return RawFile(path, container, "binary", name)
    if path.suffix.lower() in {".xlsx", ".xls", ".parquet", ".png"}:
        raise UserError(
            f"{name} is not a {path.suffix.lower()} file, whatever its name says",
            where=f"it begins with {magic!r}",
            fix="a web page saved by a failed download looks like this: fetch it again, or rename it to what it is",
        )
    _refuse_placeholder(path, name)
    if (
        not prove
        and seems_utf8(path)
        and (first := _begins(path, "utf-8"))[:1] in (b"[", b"{")
        and not is_chat_log(first)
    ):
        return RawFile(path, "json", "utf-8", name, proven=False)
    encoding = detect(path)
    first = _begins(path, encoding)
    if not first:
        raise UserError(f"{name} holds nothing but blanks", fix="fetch it again")
    if is_chat_log(first):
        return RawFile(path, "chat", encoding, name)
    text = "json" if first[:1] in b"[{" else "blocks" if are_blocks(first) else "csv"
    return RawFile(path, text, encoding, name)


def _refuse_placeholder(path: Path, name: str) -> None:
    """Refuses what stands in a file's place when its download went wrong."""
    with path.open("rb") as handle:
        head = handle.read(1024).removeprefix(BOM_UTF8).lstrip()
    if head.startswith(b"version https://git-lfs"):
        raise UserError(
            f"{name} is only Git LFS's pointer to the file",
            fix="fetch the file itself: git lfs pull, or lfw fetch dataset …",
        )
    if head[:14].lower().startswith((b"<!doctype html", b"<html")):
        raise UserError(f"{name} is a web page", fix="a failed download looks like this: fetch it again")


def _begins(path: Path, encoding: str) -> bytes:
    """The first block with something in it, from there on."""
    return next((block for block in utf8_blocks(path, encoding) if block.strip()), b"").lstrip()


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(
                name.startswith(("xl/", "[Content_Types].xml")) or name == "content.xml" for name in archive.namelist()
            )
    except zipfile.BadZipFile:
        return path.suffix.lower() in {".xlsx", ".xls"}  # a broken one is named as what it should be
