"""A child and all it started: found again even after lfw itself was killed, asked to stop, ended.

Every child carries a mark in its environment, and whatever it starts inherits it: torchrun's processes in sessions of
their own, workers whose parent died. So a killed lfw leaves nobody who cannot be found, on any system, and nothing has
to be written down that could be stale. A child is not made to die with lfw: a training that lost its lfw at night is
worth more running than dead, and the next `lfw run` takes over from it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "LFW_CHILD_LOG"  # its value is the log of the child, a file in the run folder
RANK = "LOCAL_RANK"  # torchrun gives it to each process that trains
GRACE_SECONDS = 20.0
GONE = (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, ProcessLookupError)


@dataclass(frozen=True)
class Leave:
    """How long a child that is asked to stop may take, and whether there is nothing left to wait for before that."""

    seconds: float = GRACE_SECONDS
    over: Callable[[], bool] = lambda: False


def mark(log: Path) -> dict[str, str]:
    """What a child's environment gets."""
    return {MARK: str(log.absolute())}


def started_for(place: Path) -> list[psutil.Process]:
    """The living processes whose log is `place` or lies below it."""
    return [process for process in psutil.process_iter() if _alive(process) and _is_for(process, place.absolute())]


def end(
    place: Path, group: int | None = None, leave: Leave | None = None, hurry: Callable[[], bool] = lambda: False
) -> None:
    """Ends everything that was started for `place` and what is in process group `group`.

    With a `leave`, those that do the work are asked (SIGTERM) and may take it, unless there is a `hurry` meanwhile.
    In the end all are killed.
    """
    family = _family(place, group)
    if leave:
        for process in _workers(family):
            with suppress(*GONE):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + leave.seconds
        while any(map(_alive, family)) and time.monotonic() < deadline and not hurry() and not leave.over():
            time.sleep(0.1)
    for process in {*family, *_family(place, group)}:
        with suppress(*GONE):
            process.kill()


def _family(place: Path, group: int | None) -> list[psutil.Process]:
    """Those with our mark, those in the group, and all that they started: a program may hide its environment."""
    family = set(started_for(place))
    for process in psutil.process_iter():
        with suppress(*GONE):
            if group is not None and os.getpgid(process.pid) == group:
                family |= {process, *process.children(recursive=True)}
    return list(family)


def _workers(family: list[psutil.Process]) -> list[psutil.Process]:
    """Those to ask: torchrun's ranks, else those that we started ourselves.

    Nobody else: a data loader's process would die of the signal and the trainer of its loss, and torchrun would give
    its ranks no more than 30 seconds (`torch.distributed.elastic.multiprocessing.api`).
    """
    ranks = {process for process in family if RANK in _environment(process)}
    chosen = ranks or set(family)
    return [process for process in chosen if _parent(process) not in chosen]


def _is_for(process: psutil.Process, place: Path) -> bool:
    log = _environment(process).get(MARK)
    return log is not None and Path(log).is_relative_to(place)


def _environment(process: psutil.Process) -> dict[str, str]:
    """Empty where it may not be read: a process of somebody else is none of ours."""
    try:
        return dict(process.environ())
    except (*GONE, OSError):
        return {}


def _parent(process: psutil.Process) -> psutil.Process | None:
    with suppress(*GONE):
        parent: psutil.Process | None = process.parent()
        return parent
    return None


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except GONE:
        return False
