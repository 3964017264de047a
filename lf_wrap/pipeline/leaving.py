"""How long a training that is asked to stop is waited for: until its checkpoint is whole, and never without bound."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from lf_wrap.pipeline.checkpoints import STATE, checkpoints, flaw
from lf_wrap.pipeline.family import Leave
from lf_wrap.pipeline.training_log import read_steps

# To end a step, or the measuring between two steps: where steps take longer than a third of it, three of them.
SECONDS_TO_BEGIN = 300.0
STEPS_TO_BEGIN = 3
# To write it: the optimizer's state of a 7B model in full is some 84 GB.
SECONDS_TO_WRITE = 600.0
CLOCKS_APART = 0.05  # file systems tell the time of a kernel's tick, some milliseconds ago


def leave_to_save(weights: Path, processes: int, console: Console) -> Leave:
    """For a training of so many processes that writes into `weights` and is asked to stop now; tells its bounds.

    It is over as soon as a new checkpoint is whole, or when none has been begun in time.
    """
    asked = time.time()
    since = asked - CLOCKS_APART
    to_begin = max(SECONDS_TO_BEGIN, STEPS_TO_BEGIN * _seconds_a_step(weights))

    def over() -> bool:
        begun = [one for one in checkpoints(weights) if _changed(one.path) >= since]
        if any(_changed(one.path / STATE) >= since and flaw(one, processes) is None for one in begun):
            return True
        if begun or time.time() < asked + to_begin:
            return False
        console.print("  it began none in time and is ended: the checkpoint before counts")
        return True

    console.print(
        f"  stopping: the trainer writes a checkpoint first, begun within {to_begin:.0f} s and whole within "
        f"{to_begin + SECONDS_TO_WRITE:.0f} s, or it is ended; Ctrl-C again ends it at once"
    )
    return Leave(to_begin + SECONDS_TO_WRITE, over)


def _seconds_a_step(weights: Path) -> float:
    """Between the last two steps that the trainer logged, whose clock counts whole seconds; 0 before there are two."""
    before, last = ([None, None, *read_steps(weights)])[-2:]
    if before is None or last is None or last.step <= before.step:
        return 0.0
    return max(0.0, (_seconds(last.elapsed) - _seconds(before.elapsed)) / (last.step - before.step))


def _seconds(elapsed: str) -> int:
    """Of `1 day, 2:03:04`, as `str(timedelta)` writes it; 0 where there is none."""
    parts = elapsed.rpartition(" ")[2].split(":")
    hours, minutes, seconds = map(int, parts) if len(parts) == 3 else (0, 0, 0)
    return 86400 * (int(elapsed.split()[0]) if "day" in elapsed else 0) + 3600 * hours + 60 * minutes + seconds


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0
