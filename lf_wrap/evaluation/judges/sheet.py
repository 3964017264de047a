"""Human judges: a blinded sheet of answers A and B to fill in, a key file kept apart, and the verdicts read back."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.judged import JudgedRow
from lf_wrap.evaluation.judges.pairwise import Duel, Winner
from lf_wrap.files import atomic_write, existing_file, shown, write_text

COLUMNS = ("id", "conversation", "reference", "answer A", "answer B", "better (A, B or tie)", "notes")
VERDICT = COLUMNS[5]
SHEETS = {".csv", ".xlsx"}
LONGEST_CELL = 32_000  # characters: a cell of Excel's holds 32,767
# A spreadsheet takes a cell that begins so for a formula (OWASP: CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r")
WORDS: dict[str, str] = {"a": "A", "b": "B", "tie": "tie", "equal": "tie", "=": "tie", "平": "tie", "一样": "tie"}


def write_sheet(
    path: Path, models: tuple[str, str], first: Sequence[JudgedRow], second: Sequence[JudgedRow], *, seed: int = 42
) -> Path:
    """Writes the sheet (CSV or Excel) and beside it `<sheet>.key.json`, which alone tells whose answer is A; its path.

    The order of A and B is drawn for every row. Whoever judges is given the sheet and not the key.

    Raises:
        UserError: the name is neither .csv nor .xlsx.
    """
    if path.suffix not in SHEETS:
        raise UserError(f"{shown(path)} is neither .csv nor .xlsx", fix="choose one of the two endings")
    rng, rows, key = random.Random(seed), [], {}  # noqa: S311  (reproducible on purpose)
    for number, (one, other) in enumerate(zip(first, second, strict=True), 1):
        a_is_first = rng.random() < 0.5
        a, b = (one, other) if a_is_first else (other, one)
        said = "\n\n".join(f"{message['role']}: {message['content']}" for message in one.messages)
        rows.append([number, said, one.reference, a.answer, b.answer, "", ""])
        key[str(number)] = "first" if a_is_first else "second"
    if path.suffix == ".csv":
        buffer = io.StringIO()
        csv.writer(buffer).writerows([COLUMNS, *([_cell(value) for value in row] for row in rows)])
        write_text(path, "\ufeff" + buffer.getvalue())  # the mark lets Excel know that it is UTF-8
    else:
        _write_excel(path, rows)
    key_file = path.with_name(path.name + ".key.json")
    told = {"first": models[0], "second": models[1], "rows": len(rows), "A is": key}
    write_text(key_file, json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    return key_file


def read_sheet(path: Path) -> Duel:
    """The verdicts of one filled-in sheet, unblinded by the key beside it; rows left empty have none.

    Raises:
        UserError: the sheet or its key is missing or broken, no row has a verdict, or one is none of A, B, tie.
    """
    key = _key_of(path)
    duel = Duel(key["first"], key["second"])
    given: dict[str, str | None] = {}
    for line, row in enumerate(_rows(path), 2):
        number, said = _number(row.get("id")), str(row.get(VERDICT) or "").strip().lower()
        if number not in key["A is"]:
            raise UserError(f"{shown(path)}, line {line}: there is no row {number!r}", fix="leave the ids as they were")
        if number in given:
            raise UserError(f"{shown(path)}, line {line}: row {number!r} is there twice", fix="leave it in once")
        if said and said not in WORDS:
            raise UserError(f"{shown(path)}, line {line}: {said!r} is no verdict", fix="write A, B or tie")
        given[number] = WORDS.get(said)
    for number, a_is in key["A is"].items():
        duel.winners.append(_unblinded(given.get(number), a_is))
    if not any(duel.winners):
        raise UserError(
            f"{shown(path)} has no verdict in any row", fix=f"write A, B or tie into the column {VERDICT!r}"
        )
    return duel


def _unblinded(said: str | None, a_is: Winner) -> Winner | None:
    if said is None or said == "tie":
        return "tie" if said else None
    other: Winner = "second" if a_is == "first" else "first"
    return a_is if said == "A" else other


def _key_of(path: Path) -> dict[str, Any]:
    """The key of a sheet; a copy that a second person filled in (`sheet-anna.csv`) finds the one key in its folder."""
    existing_file(path)
    own = path.with_name(path.name + ".key.json")
    keys = [own] if own.exists() else [key for key in path.parent.glob("*.key.json") if _of_same_stem(path, key)]
    if len(keys) != 1:
        raise UserError(
            f"the key of {shown(path)} is not beside it",
            fix=f"put it back as {shown(own)}; a copy's name must begin with the name of the sheet",
        )
    try:
        key: dict[str, Any] = json.loads(keys[0].read_text(encoding="utf-8"))
        if not (isinstance(key["A is"], dict) and {"first", "second"} <= key.keys()):
            raise ValueError("it does not say whose answer is A")
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{shown(keys[0])} is no key of a sheet: {error}", fix="put it back as it was written"
        ) from None
    return key


def _of_same_stem(path: Path, key: Path) -> bool:
    return path.stem.startswith(Path(key.name.removesuffix(".key.json")).stem)


def _rows(path: Path) -> list[dict[str, Any]]:
    import pandas

    try:
        if path.suffix == ".xlsx":
            table = pandas.read_excel(path, dtype=str, engine="calamine")
        else:
            table = pandas.read_csv(io.StringIO(_text(path)), dtype=str, sep=None, engine="python")
    except Exception as error:  # each of the libraries behind it raises kinds of its own
        raise UserError(
            f"{shown(path)} is no whole sheet: {error}", fix="save it as .xlsx, or as CSV in UTF-8"
        ) from error
    if without := next((name for name in ("id", VERDICT) if name not in table.columns), None):
        raise UserError(f"{shown(path)} has no column {without!r}", fix="leave the first line as it was")
    return table.fillna("").to_dict("records")  # type: ignore[return-value]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:  # what Excel saves as CSV on a Chinese Windows
        return path.read_text(encoding="gb18030")


def _number(value: object) -> str:
    """An id as it was written: a spreadsheet may have made 3 into 3.0."""
    return str(value).strip().removesuffix(".0")


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.encode("utf-8", "replace").decode("utf-8")
    text = text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} […]"
    return f"'{text}" if text.startswith(FORMULA) else text


def _write_excel(path: Path, rows: list[list[object]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    page = book.active
    page.append(COLUMNS)
    for row in rows:
        page.append([ILLEGAL_CHARACTERS_RE.sub("�", str(cell)) if cell != row[0] else cell for cell in map(_cell, row)])
    for letter, width in zip("ABCDEFG", (6, 50, 40, 50, 50, 14, 24), strict=True):
        page.column_dimensions[letter].width = width
    for cells in page.iter_rows():
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=cell.row == 1)
    page.freeze_panes = "A2"
    with atomic_write(path) as handle:
        book.save(handle)
