"""General questions with checkable answers, written for lfw: what they show is what tuning made a model forget."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.evaluation.questions import Question
from lf_wrap.files import existing_file, shown

PROBES = ("general_zh", "general_en")


def probe_questions(name: str) -> list[Question]:
    """The probe called `name`, or a JSONL file of `{"question": …, "answers": [any of which may be said]}`.

    Raises:
        UserError: there is no such probe, or a line is not of this shape.
    """
    if name in PROBES:
        text, where = files("lf_wrap.evaluation.probes").joinpath(f"{name}.jsonl").read_text(encoding="utf-8"), name
    elif name.endswith(".jsonl"):
        path = existing_file(Path(name))
        text, where = path.read_text(encoding="utf-8"), shown(path)
    else:
        raise UserError(f"there is no probe {name!r}", fix=f"{did_you_mean(name, PROBES)} Or name a .jsonl file")
    return [_question(line, row, where) for row, line in enumerate(text.split("\n"), 1) if line.strip()]


def _question(line: str, row: int, where: str) -> Question:
    try:
        told = json.loads(line)
        asked, answers = told["question"], told["answers"]
        if not (isinstance(asked, str) and asked and answers and all(isinstance(one, str) and one for one in answers)):
            raise ValueError("an empty question or no answers")
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{where} is not a probe: {error!r}",
            where=f"line {row}",
            fix='a line looks like {"question": "…", "answers": ["…"]}',
        ) from None
    return Question(row, [{"role": "user", "content": asked}], ("\n".join(answers),))
