"""Opens a raw file as a stream of rows, whatever it is: told by its first bytes, not by its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import existing_file, shown
from lf_wrap.sources.encoding import detect, utf8_blocks
from lf_wrap.sources.json_rows import json_rows
from lf_wrap.sources.tables import csv_rows, excel_rows

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # .xlsx is a zip archive, .xls an OLE container


@dataclass(frozen=True)
class RawFile:
    """A raw file whose container and encoding are known; iterating gives (row number, value or `Reject`)."""

    path: Path
    container: str  # "excel", "json" or "csv"
    encoding: str  # a Python codec name; "binary" for a workbook

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        if self.container == "excel":
            return excel_rows(self.path)
        if self.container == "json":
            return json_rows(self.path, self.encoding)
        return csv_rows(self.path, self.encoding)


def open_rows(path: Path, fix: str | None = None) -> RawFile:
    """The raw file at `path`; `fix` is what to tell whoever has not got it.

    Raises:
        UserError: the file is missing, empty, binary, or in no known encoding.
    """
    existing_file(path, fix)
    with path.open("rb") as handle:
        magic = handle.read(4)
    if magic in (ZIP, OLE):
        return RawFile(path, "excel", "binary")
    if path.suffix.lower() in {".xlsx", ".xls"}:
        raise UserError(
            f"{shown(path)} is not an Excel workbook, whatever its name says",
            where=f"it begins with {magic!r}",
            fix="a web page saved by a failed download looks like this: fetch it again, or rename it to what it is",
        )
    encoding = detect(path)
    first = next((text for block in utf8_blocks(path, encoding) if (text := block.strip())), b"")
    if not first:
        raise UserError(f"{shown(path)} holds nothing but blanks", fix="fetch it again")
    return RawFile(path, "json" if first[:1] in b"[{" else "csv", encoding)
