"""All checks of a recipe, one after the other: every problem is told, not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.recipe.arguments import installed_arguments
from lf_wrap.recipe.base_model import base_model
from lf_wrap.recipe.checks import (
    arguments,
    conflicts,
    cutoff,
    datasets,
    disk,
    entries,
    flash_attention,
    judge,
    leftovers,
    losses,
    memory,
    packages,
    packing,
    port,
    precision,
    ray,
    rows,
    template,
    thinking,
)
from lf_wrap.recipe.checks.case import NO_RUN, Case
from lf_wrap.recipe.checks.problem import Problem, from_error
from lf_wrap.recipe.hardware import Hardware
from lf_wrap.recipe.inside_llamafactory import ask, kept
from lf_wrap.recipe.llamafactory import known_template
from lf_wrap.recipe.memory import Memory
from lf_wrap.recipe.phases import phases
from lf_wrap.recipe.schema import Recipe
from lf_wrap.recipe.steps import steps, tokens

CHECKS: tuple[Callable[[Case], Iterator[Problem]], ...] = (
    arguments.problems,
    conflicts.problems,
    datasets.problems,
    entries.problems,
    rows.problems,
    cutoff.problems,
    packing.problems,
    flash_attention.problems,
    template.problems,
    thinking.problems,
    leftovers.problems,
    losses.problems,
    precision.problems,
    memory.problems,
    packages.problems,
    ray.problems,
    port.problems,
    judge.problems,
)


@dataclass(frozen=True)
class Outcome:
    """What is known of a recipe's own training, and of those before it, before it runs."""

    problems: list[Problem]
    """Of all its trainings."""
    steps: int | None
    """The optimizer's steps; None while the datasets are not built or the tokenizer is not here."""
    tokens: int | None
    """The tokens of all rows in all epochs, up to `cutoff_len` each."""
    values: Mapping[str, Any]
    """Every train argument as it will be, LLaMA-Factory's own where nobody says it."""
    memory: Memory | None
    """Of each GPU; None where the model's shape is not known."""
    disk_bytes: int | None
    """What it writes at most; None while the model is not here."""
    before: Mapping[str, Outcome] = field(default_factory=dict)
    """The trainings that come before it, by name and in order."""

    @property
    def ok(self) -> bool:
        """Whether it may run: there may be warnings, but no errors."""
        return not any(problem.level == "error" for problem in self.problems)

    def result(self) -> dict[str, Any]:
        """What `lfw check --json` prints."""
        told = {
            "memory": self.memory.result() if self.memory else None,
            "steps": self.steps,
            "tokens": self.tokens,
            "disk_bytes": self.disk_bytes,
            "before": {name: one.result() for name, one in self.before.items()},
        }
        return {"ok": self.ok, "problems": [problem.result() for problem in self.problems], **told}


def check(
    recipe: Recipe, path: Path, hardware: Hardware, before: Callable[[], None] = lambda: None, *, quick: bool = False
) -> Outcome:
    """Holds each training of the recipe at `path` against everything that can be known without a GPU.

    `before` is called before a child process is started, which takes seconds: once an installation for its arguments,
    once a template and tokenizer for the rendering. A `quick` check takes the rendering only where it is kept.

    Raises:
        UserError: LLaMA-Factory is not installed.
        ChildFailed: it is broken.
    """
    asked = kept if quick else partial(ask, before=before)
    arguments = installed_arguments(before)
    *earlier, (own, _) = phases(recipe, NO_RUN)
    outcomes = {}
    for (name, phase), (training, _) in zip(recipe.before.items(), earlier, strict=True):
        says = frozenset({"data", "train", *(["template"] if phase.template else [])})
        outcomes[name] = _outcome(Case(training, path, hardware, arguments, asked, f"before.{name}", says))
    case = Case(own, path, hardware, arguments, asked)
    last = _outcome(case)
    every = [*outcomes.values(), last]
    found = [problem for outcome in every for problem in outcome.problems]
    found += disk.problems(sum(outcome.disk_bytes or 0 for outcome in every), case)
    return replace(last, problems=_in_order(found), before=outcomes)


def _outcome(case: Case) -> Outcome:
    """Of one training."""
    found = [problem for one in (_names, *CHECKS) for problem in one(case)]
    if isinstance(case.filled, UserError) and not any(problem.level == "error" for problem in found):
        found.append(from_error(case.filled, case.where("model")))
    return Outcome(
        problems=_in_order(found),
        steps=steps(case.values, case.lengths, case.hardware),
        tokens=tokens(case.values, case.lengths, case.hardware),
        values=case.values,
        memory=memory.estimate(case),
        disk_bytes=disk.bytes_written(case),
    )


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Errors first, each told once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.level)


def _names(case: Case) -> Iterator[Problem]:
    """The model and the template that the recipe names are there."""
    for key, look_up in (
        ("model", lambda: base_model(case.recipe.model)),
        ("template", lambda: case.recipe.template and known_template(case.recipe.template)),
    ):
        try:
            look_up()
        except UserError as error:
            yield Problem("error", error.what, case.where(key), error.fix or "")
