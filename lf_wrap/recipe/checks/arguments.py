"""Every train and export argument is one that the installed LLaMA-Factory takes, with a value that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lf_wrap.errors import did_you_mean
from lf_wrap.recipe.arguments import Argument
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem

# What a recipe says elsewhere: beside it, the same word in `train:` or `export:` would go its own way.
SAID_ELSEWHERE = {
    "model_name_or_path": "model",
    "template": "template",
    "dataset": "data.train",
    "dataset_dir": "data.dataset_dir",
}
DECIDED_BY_THE_RUN = {"output_dir", "export_dir"}


def problems(case: Case) -> Iterator[Problem]:
    yield from _in_section(case, "train", case.recipe.train, case.arguments.train)
    yield from _in_section(case, "export", case.recipe.export, case.arguments.export)


def _in_section(case: Case, section: str, said: Mapping[str, Any], known: Mapping[str, Argument]) -> Iterator[Problem]:
    for key, value in said.items():
        where = case.where(f"{section}.{key}")
        if key in SAID_ELSEWHERE:
            fix = f"say it as `{SAID_ELSEWHERE[key]}` of the recipe"
            yield Problem("error", f"{key} does not belong into `{section}`", where, fix)
        elif key not in known:
            what = f"LLaMA-Factory has no {section} argument {key!r}"
            yield Problem("error", what, where, _meant(case, key, known))
        elif key in DECIDED_BY_THE_RUN:
            what, fix = f"{key} is not heeded: a run writes into its own folder", "take it out; see `lfw run --run-dir`"
            yield Problem("warning", what, where, fix)
        elif complaint := known[key].complaint(value):
            yield Problem("error", complaint[0], where, complaint[1])


def _meant(case: Case, key: str, known: Mapping[str, Argument]) -> str:
    if key in case.arguments.train:
        return "it belongs into `train`: export has nothing to do with it"
    told = did_you_mean(key, known)
    return told if told.startswith("did you mean") else "take it out: no argument has a name like it"
