"""The errors people see: what happened, where, and what to do next.

Everything that is the user's to mend is raised as one of these and printed as its message alone; any
other exception is a bug of ours and keeps its traceback (shown with `--debug`).
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LfwError(Exception):
    """An error with a message for a person: `what` happened, `where` (file, row, key), how to `fix` it."""

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)


class UserError(LfwError):
    """The user's input or environment is not as it must be. Exit code 1."""


class ChildFailed(LfwError):
    """A child program (`llamafactory-cli`) failed. Exit code 3."""

    exit_code = 3


class Interrupted(LfwError):
    """The user or the system asked us to stop. Exit code 130."""

    exit_code = 130


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The sentence that offers the nearest of the `known` words, or lists them where none is near."""
    choices = sorted(known)
    near = get_close_matches(word, choices, n=1)
    return f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(choices)}"
