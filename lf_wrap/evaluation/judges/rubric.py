"""What a judge looks at: criteria from a YAML file, and the prompts that put them to it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.evaluation.judged import JudgedRow
from lf_wrap.evaluation.judges.endpoint import Messages
from lf_wrap.files import existing_file, shown

LOWEST, HIGHEST = 1, 5
LONGEST_ANSWER = 8_000  # characters shown to a judge: what an endless answer repeats after that tells it nothing new
PLACE = re.compile(r"\{(\w+)\}")
OBJECT = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Rubric:
    """Criteria by name, each with what it means."""

    name: str
    criteria: dict[str, str]

    def __str__(self) -> str:
        return "\n".join(f"- {name}: {meaning}" for name, meaning in self.criteria.items())


def rubric_named(name: str) -> Rubric:
    """The packaged rubric called `name`, or the one in the YAML file at that path.

    Raises:
        UserError: there is neither, or the file has no `criteria` of the form name: meaning.
    """
    packaged = files("lf_wrap.evaluation.judges").joinpath("rubrics")
    known = [file.name.removesuffix(".yaml") for file in packaged.iterdir() if file.name.endswith(".yaml")]
    if name in known:
        text, where = packaged.joinpath(f"{name}.yaml").read_text(encoding="utf-8"), name
    else:
        if Path(name).suffix not in {".yaml", ".yml"}:
            raise UserError(f"there is no rubric {name!r}", fix=f"{did_you_mean(name, known)}, or give a YAML file")
        text, where = existing_file(Path(name)).read_text(encoding="utf-8"), shown(name)
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{where} is not YAML: {error}", fix="mend the line it names") from None
    criteria = said.get("criteria") if isinstance(said, dict) else None
    if not isinstance(criteria, dict) or not criteria:
        raise UserError(f"{where} holds no criteria", fix="write `criteria:` and under it one `name: meaning` a line")
    return Rubric(Path(name).stem, {str(key): " ".join(str(meaning).split()) for key, meaning in criteria.items()})


def prompt(template: str, rubric: Rubric, row: JudgedRow, **answers: str) -> Messages:
    """The packaged prompt `template` filled with a row's conversation and reference, and the answers to judge.

    All places are filled at once, so that a text which looks like a place stays what it is.
    """
    said = [f"{message['role']}: {message['content']}" for message in row.messages]
    filled = {
        "criteria": str(rubric),
        "conversation": _shortened("\n\n".join(said)),
        "reference": _shortened(row.reference or "(none)"),
        "form": json.dumps(dict.fromkeys(rubric.criteria, HIGHEST), ensure_ascii=False),
        **{name: _shortened(text) for name, text in answers.items()},
    }
    text = files("lf_wrap.evaluation.judges").joinpath(f"prompts/{template}.txt").read_text(encoding="utf-8")
    return [{"role": "user", "content": PLACE.sub(lambda place: filled.get(place[1], place[0]), text).strip()}]


def verdict_in(reply: str) -> dict[str, Any] | None:
    """The last JSON object in a judge's reply (it may think aloud before); None when there is none."""
    for found in reversed(OBJECT.findall(reply)):
        try:
            return dict(json.loads(found))
        except ValueError:
            continue
    return None


def _shortened(text: str) -> str:
    # A lone surrogate, which a broken answer may hold, cannot be sent as UTF-8.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    if len(whole) <= LONGEST_ANSWER:
        return whole
    return f"{whole[:LONGEST_ANSWER]}\n[… {len(whole) - LONGEST_ANSWER:,} more characters are not shown]"
