"""What a child's log says about why it failed."""

from __future__ import annotations

import re
from pathlib import Path

TAIL_BYTES = 64 << 10
ERROR_LINE = re.compile(r"^(?:\[?rank\d+\]?:? ?)?((?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit)\b:? ?.*)$")


def last_error(log: Path) -> str:
    """The last line of `log` that names an exception, else its last line that is not blank."""
    with log.open("rb") as handle:
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - TAIL_BYTES))
        lines = [line.strip() for line in handle.read().decode("utf-8", "replace").splitlines() if line.strip()]
    for line in reversed(lines):
        if found := ERROR_LINE.match(line):
            return found.group(1)
    return lines[-1] if lines else "it printed nothing"
