"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "absent", "bad"]


@dataclass(frozen=True)
class Finding:
    """`note` is worth knowing, `absent` is something that may be added, `bad` keeps lfw from working."""

    part: str
    name: str
    state: State
    what: str
    enables: str = ""
    """What it is good for."""
    fix: str = ""
    """The command that mends or adds it."""
