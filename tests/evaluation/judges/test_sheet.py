"""People judge blind: the sheet does not say whose answer is whose, and the key reads their verdicts back."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation.judges import cohens_kappa, read_sheet, write_sheet
from lf_wrap.evaluation.judges.sheet import VERDICT
from tests.evaluation.judges.conftest import rows

MODELS = ("base model", "tuned model")


def fill_csv(path: Path, verdicts: list[str], to: Path | None = None, encoding: str = "utf-8-sig") -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    for line, verdict in zip(lines, verdicts, strict=True):
        line[VERDICT] = verdict
    with (to or path).open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def places(sheet: Path) -> list[str]:
    """Which of A and B is the tuned model's, row by row."""
    key = json.loads((sheet.parent / (sheet.name + ".key.json")).read_text(encoding="utf-8"))
    return ["B" if is_a == "first" else "A" for is_a in key["A is"].values()]


@pytest.fixture(params=["sheet.csv", "sheet.xlsx"])
def sheet(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    write_sheet(path, MODELS, rows(*(f"one {n}" for n in range(20))), rows(*(f"other {n}" for n in range(20))))
    return path


def test_the_sheet_tells_nobody_who_said_what(sheet: Path) -> None:
    assert {"A", "B"} == set(places(sheet)), "the order is drawn for every row"
    assert b"tuned model" not in sheet.read_bytes()
    assert list(sheet.parent.glob("*")) != [sheet]


def test_verdicts_are_unblinded(sheet: Path) -> None:
    tuned = places(sheet)
    other = ["A" if place == "B" else "B" for place in tuned]
    verdicts = [*tuned[:10], *other[10:15], "tie", "平", " Tie ", "", ""]
    if sheet.suffix == ".csv":
        fill_csv(sheet, verdicts)
    else:
        book = openpyxl.load_workbook(sheet)
        column = [cell.value for cell in book.active[1]].index(VERDICT) + 1
        for line, verdict in enumerate(verdicts, 2):
            book.active.cell(line, column).value = verdict.lower()
        book.save(sheet)
    duel = read_sheet(sheet)
    assert (duel.first, duel.second) == MODELS
    assert duel.winners == ["second"] * 10 + ["first"] * 5 + ["tie"] * 3 + [None] * 2


def test_a_copy_filled_in_by_another_finds_the_key(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(path, MODELS, rows("a", "中"), rows("b", "文"))
    fill_csv(path, ["A", "tie"], to=tmp_path / "sheet-anna.csv", encoding="gb18030")
    assert read_sheet(tmp_path / "sheet-anna.csv").winners[1] == "tie"


@pytest.mark.parametrize(("verdict", "says"), [("C", "'c' is no verdict"), ("first", "'first' is no verdict")])
def test_what_is_no_verdict_is_told_by_its_line(tmp_path: Path, verdict: str, says: str) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(path, MODELS, rows("a", "b"), rows("b", "a"))
    fill_csv(path, ["A", verdict])
    with pytest.raises(UserError, match=f"line 3: {says}"):
        read_sheet(path)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda text: text.replace(VERDICT, "verdict"), f"no column {VERDICT!r}"),
        (lambda text: text.replace("id,", "number,", 1), "no column 'id'"),
        (lambda text: text, "no verdict in any row"),
        (lambda text: text + text.splitlines()[-1] + "\n", "row '2' is there twice"),
        (lambda text: text + '3,"', "is no whole sheet"),
        (lambda text: "\udcff\udcfe" + text, "is no whole sheet"),
    ],
    ids=["verdicts renamed", "ids renamed", "not filled in", "a row twice", "cut off", "no text"],
)
def test_a_sheet_that_says_nothing_is_an_error_and_no_result(
    tmp_path: Path, wrong: Callable[[str], str], says: str
) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(path, MODELS, rows("a", "b"), rows("b", "a"))
    path.write_bytes(wrong(path.read_text(encoding="utf-8-sig")).encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=re.escape(says)):
        read_sheet(path)


@pytest.mark.parametrize("content", ["{", "[]", '{"A is": 3, "first": "a", "second": "b"}'])
def test_a_broken_key_and_a_broken_workbook_are_told_by_their_names(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sheet.xlsx"
    key = write_sheet(path, MODELS, rows("a"), rows("b"))
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UserError, match=r"sheet\.xlsx is no whole sheet"):
        read_sheet(path)
    key.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="is no key of a sheet"):
        read_sheet(path)


def test_without_its_key_a_sheet_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    write_sheet(path, MODELS, rows("a"), rows("b")).unlink()
    with pytest.raises(UserError, match="key of"):
        read_sheet(path)
    with pytest.raises(UserError, match=r"neither \.csv nor \.xlsx"):
        write_sheet(tmp_path / "sheet.ods", MODELS, [], [])


def test_an_answer_is_no_formula(sheet: Path, tmp_path: Path) -> None:
    path = tmp_path / f"hostile{sheet.suffix}"
    write_sheet(path, MODELS, rows('=HYPERLINK("http://evil")\x00\x0b'), rows("@SUM(1)\ud800" + "z" * 100_000))
    if path.suffix == ".xlsx":
        page = openpyxl.load_workbook(path).active
        cells = [cell for line in page.iter_rows() for cell in line]
        assert all(cell.data_type != "f" for cell in cells)
    text = path.read_bytes()
    assert b",=HYPERLINK" not in text
    assert b',"=HYPERLINK' not in text


def test_kappa_by_hand() -> None:
    """Cohen's own table: 20 both yes, 15 both no, 5 and 10 differ: 0.7 seen, 0.5 by chance, κ = 0.4."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohens_kappa(first, second) == pytest.approx(0.4)
    assert cohens_kappa(first, first) == 1
    assert cohens_kappa(["yes", "no"], ["no", "yes"]) == pytest.approx(-1)
    assert cohens_kappa(["yes"] * 5, ["yes"] * 5) is None
    assert cohens_kappa([], []) is None
