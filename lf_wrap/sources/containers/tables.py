"""Rows of tables: CSV and TSV in any of the encodings, Excel workbooks."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from lf_wrap.conversation import Reject
from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.sources.containers.archives import refuse_bomb

SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
# In the XML of a cell (ISO/IEC 29500-1, 18.3.1.4). A result that is an empty text has `t="str"`.
WITHOUT_RESULT = re.compile(rb'<c (?![^>]* t="str")[^>]*>\s*<f[ >/](?!.*<v>[^<])', re.DOTALL)

# A medical answer may be long, but a field beyond this means that a quote was never closed.
csv.field_size_limit(16 << 20)


def csv_rows(path: Path, codec: str) -> Iterator[tuple[int, Any]]:
    """(line number of the row's end, {column: text}) for each row after the header.

    A row with more or fewer fields than the header has columns is a `Reject`.

    Raises:
        UserError: the file has no header, a column name twice, or an unclosed quote.
    """
    with path.open(encoding=codec, newline="") as handle:
        header_line = handle.readline()
        delimiter = max(",\t;", key=header_line.count)  # `;`: as Excel writes where the comma is the decimal point
        handle.seek(0)
        reader = csv.reader(handle, delimiter=delimiter, strict=True)
        try:
            header = _named(next(reader))
            _distinct(header, path)
            for fields in reader:
                if len(fields) == len(header):
                    yield reader.line_num, dict(zip(header, fields, strict=True))
                elif any(field.strip() for field in fields):
                    detail = f"{len(fields)} fields, {len(header)} columns"
                    yield reader.line_num, Reject("ragged row", f"{detail}: {fields!r:.200}")
        except csv.Error as error:
            raise UserError(
                f"{shown(path)} is not a sound table: {error}",
                where=f"line {reader.line_num}",
                fix='close the quote that is open there, or double the quotes inside a field ("")',
            ) from None


def ends_open(path: Path) -> bool:
    """Whether a text file of rows ends in the middle of a line: nothing else tells that its last field is cut off."""
    with path.open("rb") as handle:
        handle.seek(-min(8, path.stat().st_size), 2)
        return handle.read().replace(b"\0", b"")[-1:] not in (b"\n", b"\r", b'"')  # without zeros UTF-16 ends so too


BLOCK_COLUMNS = ("title", "ask", "answer")


def are_blocks(head: bytes) -> bool:
    """Whether a text consists of two lines, title with question and answer, and a blank one (toyhom's .txt files)."""
    lines = [line.strip() for line in head.replace(b"\r\n", b"\n").split(b"\n")[:40]]
    blanks = [number for number, line in enumerate(lines) if not line]
    return len(blanks) >= 3 and all(bool(line) == (number % 4 < 2) for number, line in enumerate(lines))


def block_rows(path: Path, codec: str) -> Iterator[tuple[int, Any]]:
    """(line number, {title, ask, answer}) for each block; title and question stand in one line, parted by a comma."""
    block: list[str] = []
    with path.open(encoding=codec) as handle:
        for number, line in enumerate(chain(handle, ("",)), 1):
            if line.strip():
                block.append(line.strip())
            elif block:
                title, comma, ask = block[0].partition(",")
                if len(block) == 2 and comma:
                    yield number - 2, dict(zip(BLOCK_COLUMNS, (title, ask, block[1]), strict=True))
                else:
                    yield number - len(block), Reject("ragged row", f"{len(block)} lines: {block!r:.200}")
                block = []


def excel_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """(row number as Excel shows it, {column: cell}) for each row of the first sheet after its header.

    Raises:
        UserError: the file is not a workbook, or its first sheet is empty.
    """
    import pandas

    refuse_bomb(path)
    try:
        table = pandas.read_excel(
            io.BytesIO(path.read_bytes()), engine="calamine", header=None, dtype=object, keep_default_na=False
        )
    except Exception as error:  # noqa: BLE001  (calamine and zip raise kinds of their own for a broken workbook)
        raise UserError(
            f"{shown(path)} is not an Excel workbook that can be read: {error}",
            fix="open it in Excel and save it again as .xlsx, or export it as CSV",
        ) from None
    if table.empty:
        raise UserError(f"{shown(path)} has an empty first sheet", fix="move the rows to the first sheet")
    rows = table.itertuples(index=False, name=None)
    header = _named(map(str, next(rows)))
    _distinct(header, path)
    for number, cells in enumerate(rows, 2):
        if any(str(cell).strip() for cell in cells):
            yield number, dict(zip(header, cells, strict=True))


def uncalculated(path: Path) -> int:
    """How many cells of a .xlsx workbook hold a formula without its result, and so seem to be empty.

    Programs write such cells; Excel calculates them when it opens and saves the workbook.
    """
    if not zipfile.is_zipfile(path):
        return 0
    found = 0
    with zipfile.ZipFile(path) as book:
        for sheet in filter(SHEET.fullmatch, book.namelist()):
            with book.open(sheet) as packed:
                rest = b""
                while block := packed.read(1 << 20):
                    *cells, rest = (rest + block).split(b"</c>")
                    found += sum(map(bool, map(WITHOUT_RESULT.search, cells)))
    return found


def other_sheets(path: Path) -> list[str]:
    """The sheets of a workbook that hold something and are not its first, which alone is read."""
    from python_calamine import CalamineWorkbook

    with CalamineWorkbook.from_path(path) as book:
        return [name for name in book.sheet_names[1:] if book.get_sheet_by_name(name).height]


def _named(header: Iterable[str]) -> list[str]:
    """The names in a header; a column without one is called by its place."""
    return [name.strip() or f"column {number}" for number, name in enumerate(header, 1)]


def _distinct(header: list[str], path: Path) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UserError(
            f"{shown(path)} has a column twice: {', '.join(twice)}", where="line 1", fix="rename one of them"
        )
