"""Public multiple-choice sets (C-Eval, CMMLU, MMLU) from local CSV files, as lm-evaluation-harness asks them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from lf_wrap.errors import UserError
from lf_wrap.evaluation.questions import Question
from lf_wrap.evaluation.tasks import AnswerTask, Metric, Scores
from lf_wrap.files import existing_file, shown

# The wordings of lm-evaluation-harness 0.4: tasks/ceval (and cmmlu), tasks/mmlu. Nothing stands before them (0-shot).
CHINESE, ENGLISH = "答案：", "Answer:"
BEFORE_A_LETTER = " "  # its target_delimiter


@dataclass(frozen=True)
class Choice(AnswerTask):
    """The letter that the model holds likeliest is the right one. Nothing is generated."""

    name = "choice"
    headline = "accuracy"
    metrics = {"accuracy": Metric(counted=True)}
    asks = "choice"

    def score(self, answer: str, reference: str) -> Scores:
        return {"accuracy": float(answer == reference)}


def choice_questions(path: Path) -> list[Question]:
    """The questions of a CSV file, or of all CSV files of a folder by name.

    Columns: question, A, B, … and answer, in any case (C-Eval, CMMLU); without a header, in this order (MMLU).

    Raises:
        UserError: there is no such file, or a row is not of this shape.
    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [existing_file(path)]
    if not files:
        raise UserError(
            f"{shown(path)} holds no CSV files", fix="name a folder of C-Eval's, CMMLU's or MMLU's CSV files"
        )
    asked = [question for file in files for question in _read(file)]
    return [Question(row, one.messages, one.references, options=one.options) for row, one in enumerate(asked, 1)]


def _read(file: Path) -> list[Question]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            rows = [row for row in csv.reader(handle) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{shown(file)} is not CSV in UTF-8: {error}", fix="save it as such") from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if "question" in header and "answer" in header:
        columns, rows, first = header, rows[1:], 2
    else:
        columns, first = ["question", *"abcd", "answer"], 1
    return [
        _question(dict(zip(columns, row, strict=False)), f"{shown(file)}, row {n}") for n, row in enumerate(rows, first)
    ]


def _question(cells: dict[str, str], where: str) -> Question:
    options = tuple(letter for letter in ascii_uppercase if cells.get(letter.lower(), "").strip())
    asked, answer = cells.get("question", "").strip(), cells.get("answer", "").strip().upper()
    if not asked or len(options) < 2 or answer not in options:
        raise UserError(
            "a row is no multiple-choice question",
            where=where,
            fix="it needs a question, options under A, B, …, and an answer that is the letter of one of them",
        )
    lines = [asked, *(f"{letter}. {cells[letter.lower()]}" for letter in options)]
    prompt = "\n".join([*lines, ENGLISH if asked.isascii() else CHINESE])
    return Question(0, [{"role": "user", "content": prompt}], (answer,), options=options)
