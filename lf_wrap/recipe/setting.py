"""One argument for LLaMA-Factory: its value, and the reason for it where lfw chose it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """A value, and where it came from when the recipe did not say it."""

    value: Any
    why: str = ""


Settings = dict[str, Setting]
