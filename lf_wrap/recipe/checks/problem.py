"""One thing that is wrong with a recipe, as `lfw check` tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from lf_wrap.errors import LfwError


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


def from_error(error: LfwError, where: str) -> Problem:
    """The problem that `error` would have stopped the run with; `where` is taken if it says no place itself."""
    return Problem("error", error.what, error.where or where, error.fix or "see what it says")
