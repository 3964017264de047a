"""One thing that is wrong with a recipe, as `lfw check` tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from lf_wrap.errors import LfwError, UserError


@dataclass(frozen=True)
class Problem:
    """An error stops the run; a warning is shown. `where` names the file and the key, `fix` what to do next."""

    level: Literal["error", "warning"]
    what: str
    where: str
    fix: str

    def result(self) -> dict[str, str]:
        """The problem's part of `lfw check --json`."""
        return asdict(self)


def refusal(problems: list[Problem], recipe: str) -> UserError | None:
    """The error that stops a run of `recipe` with these problems, all of them told; None when none is an error."""
    errors = [problem for problem in problems if problem.level == "error"]
    if not errors:
        return None
    if len(errors) == 1:
        return UserError(errors[0].what, where=errors[0].where, fix=errors[0].fix)
    told = [f"  {at}. {one.what}\n     where: {one.where}\n     fix:   {one.fix}" for at, one in enumerate(errors, 1)]
    return UserError("\n".join([f"{len(errors)} things in {recipe} would go wrong:", *told]), fix="mend them first")


def from_error(error: LfwError, where: str) -> Problem:
    """The problem that `error` would have stopped the run with; `where` is taken if it says no place itself."""
    return Problem("error", error.what, error.where or where, error.fix or "see what it says")
