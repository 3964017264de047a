"""All parts looked at, side by side: whoever waits for the network does not keep the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lf_wrap.doctor.finding import Finding
from lf_wrap.doctor.gpus import gpus
from lf_wrap.doctor.hubs import hubs
from lf_wrap.doctor.machine import machine
from lf_wrap.doctor.packages import packages


def examine(folder: Path) -> list[Finding]:
    """Everything about this environment and the workspace `folder`. Never raises: what cannot be looked at is bad."""
    parts: dict[str, Callable[[], list[Finding]]] = {
        "packages": packages,
        "gpus": gpus,
        "hubs": hubs,
        "machine": lambda: machine(folder),
    }
    with ThreadPoolExecutor(len(parts)) as crew:
        looked = {part: crew.submit(_safely, part, look) for part, look in parts.items()}
        return [finding for look in looked.values() for finding in look.result()]


def _safely(part: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except Exception as error:  # noqa: BLE001  (a machine in a bad way is what this is for: tell the rest all the same)
        said = str(error).partition("\n")[0] or type(error).__name__
        return [Finding(part, part, "bad", f"could not be looked at: {said}")]
