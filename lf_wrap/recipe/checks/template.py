"""The template shows the model in training what its own chat template will show it in use.

Asked of the installed LLaMA-Factory in a child process, with some rows of each dataset; the answer is kept until the
rows, the template, the tokenizer or a version change.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from lf_wrap.conversation import Conversation
from lf_wrap.dataset import conversations
from lf_wrap.errors import ChildFailed, UserError
from lf_wrap.files import known_sha256
from lf_wrap.recipe.base_model import BaseModel
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.llamafactory import template_names

ROWS_LOOKED_AT = 200
LONGEST_TURN = 400  # characters: what a template adds stands around the words, however many there are
ARGUMENTS = ("template", "default_system", "enable_thinking", "preserve_thinking")
TOKENIZER_FILES = ("tokenizer*", "special_tokens_map.json", "chat_template*", "vocab*", "merges.txt")


def problems(case: Case) -> Iterator[Problem]:
    asked = question(case)
    if asked is None:
        return
    where = case.where("template" if case.recipe.template else "model")
    try:
        told = case.asked("rendering", asked)
    except ChildFailed as error:
        yield Problem("warning", error.what, where, "see whether the model's tokenizer loads in Transformers")
        return
    if told and told["difference"]:
        yield Problem("warning", _in_words(case, told["difference"]), where, _fix(case, told["difference"]))


def question(case: Case) -> dict[str, Any] | None:
    """What the child is asked; None where there is no tokenizer or no row to show, or no such template."""
    folder, template = case.model.folder if case.model else None, case.recipe.template
    if folder is None or case.values["stage"] == "pt" or (template is not None and template not in template_names()):
        return None
    rows = [shown for name in case.recipe.trained_on for shown in _some_rows(case, name)]
    if not rows or case.model is None:
        return None
    arguments = {key: case.values[key] for key in ARGUMENTS}
    return {"folder": str(folder.resolve()), "arguments": arguments, "rows": rows, "tokenizer": _hashes(case.model)}


def _hashes(model: BaseModel) -> list[str]:
    folder = model.folder
    files = sorted({file for pattern in TOKENIZER_FILES for file in folder.glob(pattern)}) if folder else []
    return [f"{file.name} {known_sha256(file)}" for file in files if file.is_file()]


def _some_rows(case: Case, name: str) -> list[dict[str, Any]]:
    """The first row of each kind: with and without a system text, of one question and of several."""
    kinds: dict[tuple[bool, bool], Conversation] = {}
    try:
        for row in islice(conversations(case.dataset_dir, name), ROWS_LOOKED_AT):
            if len(row.turns) >= 2 and len(row.turns) % 2 == 0:
                kinds.setdefault((bool(row.system), len(row.turns) > 2), row)
    except UserError:
        return []  # told by the check of the datasets
    return [
        {"system": row.system[:LONGEST_TURN], "turns": [turn.text[:LONGEST_TURN] for turn in row.turns]}
        for row in kinds.values()
    ]


def _in_words(case: Case, difference: dict[str, Any]) -> str:
    name = (
        f"template {case.recipe.template}" if case.recipe.template else "what LLaMA-Factory makes of the chat template"
    )
    trained, served = difference["trained"], difference["served"]
    if difference.get("end"):
        return f"{name} ends an answer with {trained!r}, and the model's own chat template with {served!r}"
    return (
        f"{name} is not what the model's own chat template says, from token {difference['at']} on: "
        f"training shows {trained!r}, serving {served!r}"
    )


def _fix(case: Case, difference: dict[str, Any]) -> str:
    if difference.get("end"):
        return "choose the template of this model's family, or the model may never stop"
    if case.values["default_system"] is None:
        return "choose the template of this model's family; if only the system text differs, set train.default_system"
    return "choose the template of this model's family, and look at train.default_system"
