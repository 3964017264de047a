"""All parts looked at; those that wait for a driver or the network wait beside the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lf_wrap.doctor.finding import Finding
from lf_wrap.doctor.gpus import gpus
from lf_wrap.doctor.hubs import hubs
from lf_wrap.doctor.kept import kept
from lf_wrap.doctor.machine import machine
from lf_wrap.doctor.packages import packages

# The others import of lfw what they need, which two threads must not do at once.
SLOW = ("gpus", "hubs")


def examine(folder: Path) -> list[Finding]:
    """Everything about this environment and the workspace `folder`. Never raises: what cannot be looked at is bad."""
    parts: dict[str, Callable[[], list[Finding]]] = {
        "packages": packages,
        "gpus": gpus,
        "hubs": hubs,
        "machine": lambda: machine(folder),
        "kept": lambda: kept(folder),
    }
    with ThreadPoolExecutor(len(SLOW)) as crew:
        waiting = {part: crew.submit(_safely, part, parts[part]) for part in SLOW}
        here = {part: _safely(part, look) for part, look in parts.items() if part not in SLOW}
        found = here | {part: look.result() for part, look in waiting.items()}
    return [finding for part in parts for finding in found[part]]


def _safely(part: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except Exception as error:  # noqa: BLE001  (a machine in a bad way is what this is for: tell the rest all the same)
        said = str(error).partition("\n")[0] or type(error).__name__
        return [Finding(part, part, "bad", f"could not be looked at: {said}")]
