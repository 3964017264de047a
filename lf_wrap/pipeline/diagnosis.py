"""What a child's log says about why it failed."""

from __future__ import annotations

import os
import re
from pathlib import Path

TAIL_BYTES = 64 << 10
ERROR_LINE = re.compile(r"^(?:\[?rank\d+\]?:? ?)?((?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit)\b:? ?.*)$")
# What llamafactory-cli and torchrun raise about their children, below the error of the child itself.
WRAPPER = re.compile(r"[\w.]*\b(?:CalledProcessError|ChildFailedError)\b")


def last_error(log: Path, began_at: int = 0) -> str:
    """The last line of `log`, from byte `began_at` on, that names an exception, else the last that is not blank.

    That another process failed is said only where that process did not say why.
    """
    with log.open("rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(began_at, size - TAIL_BYTES))
        lines = [line.strip() for line in handle.read().decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [found.group(1) for line in lines if (found := ERROR_LINE.match(line))]
    causes = [error for error in errors if not WRAPPER.match(error)]
    return (causes or errors or lines or ["it printed nothing"])[-1]
