"""What a child's log says about why it failed: its last error, and what to change where the failure is known."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lf_wrap.pipeline.failures import FAILURES, Failure

TAIL_BYTES = 64 << 10
ERROR_LINE = re.compile(r"^(?:\[?rank\d+\]?:? ?)?((?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit)\b:? ?.*)$")
# What llamafactory-cli and torchrun raise about their children, below the error of the child itself.
WRAPPER = re.compile(r"[\w.]*\b(?:CalledProcessError|ChildFailedError)\b")


def last_error(log: Path, began_at: int = 0) -> str:
    """The last line of `log`, from byte `began_at` on, that names an exception, else the last that is not blank.

    That another process failed is said only where that process did not say why.
    """
    lines = _tail(log, began_at)
    return (_causes(lines) or lines or ["it printed nothing"])[-1]


def diagnose(log: Path, exit_code: int, began_at: int = 0) -> Failure | None:
    """The known failure that a child's exit code or its log, from byte `began_at` on, shows; None for any other.

    The last errors are asked first: a line further up may be of something that was overcome.
    """
    lines = _tail(log, began_at)
    for text in (*reversed(_causes(lines)), "\n".join(lines)):
        known = next((failure for failure in FAILURES if failure.shows_in(text)), None)
        if known:
            return known
    return next((failure for failure in FAILURES if exit_code in failure.exits), None)


def _tail(log: Path, began_at: int) -> list[str]:
    with log.open("rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(began_at, size - TAIL_BYTES))
        return [line.strip() for line in handle.read().decode("utf-8", "replace").splitlines() if line.strip()]


def _causes(lines: list[str]) -> list[str]:
    errors = [found.group(1) for line in lines if (found := ERROR_LINE.match(line))]
    return [error for error in errors if not WRAPPER.match(error)] or errors
