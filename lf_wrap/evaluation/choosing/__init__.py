"""Questions to choose a base model by: few enough to read every answer, each with what a good one must say."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.evaluation.questions import Question
from lf_wrap.files import existing_file, shown

LISTS = ("medical_zh", "medical_en")


def choosing_questions(name: str) -> list[Question]:
    """The packaged list called `name`, or the YAML file of `questions:`, each with a `question` and a `reference`.

    Raises:
        UserError: there is neither, or the file is not of this shape.
    """
    if name in LISTS:
        text, where = files("lf_wrap.evaluation.choosing").joinpath(f"{name}.yaml").read_text(encoding="utf-8"), name
    elif Path(name).suffix in {".yaml", ".yml"}:
        text, where = existing_file(Path(name)).read_text(encoding="utf-8"), shown(name)
    else:
        raise UserError(f"there is no question list {name!r}", fix=f"{did_you_mean(name, LISTS)} Or name a YAML file")
    try:
        told = yaml.safe_load(text)["questions"]
        if not told:
            raise ValueError("no questions")
        return [_question(row, one) for row, one in enumerate(told, 1)]
    except (yaml.YAMLError, ValueError, KeyError, TypeError) as error:
        fix = "write `questions:`, and under it `- question: …` with `reference: what a good answer must say`"
        raise UserError(f"{where} is not a list of questions: {error!r}", fix=fix) from None


def _question(row: int, told: dict[str, Any]) -> Question:
    asked, reference = told["question"], told["reference"]
    if not (isinstance(asked, str) and asked.strip() and isinstance(reference, str) and reference.strip()):
        raise ValueError(f"question {row} or its reference is no text")
    return Question(row, [{"role": "user", "content": asked}], (reference,))
