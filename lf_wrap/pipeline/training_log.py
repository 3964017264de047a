"""`trainer_log.jsonl`, which LLaMA-Factory writes while it trains: steps, losses, and its own summary at the end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lf_wrap.files import whole_lines, write_text

LOG = "trainer_log.jsonl"


@dataclass(frozen=True)
class Step:
    """One logged step."""

    step: int
    total: int
    loss: float | None
    elapsed: str


class TrainingLog:
    """The log while it grows: each call reads only what is new."""

    def __init__(self, output_dir: Path) -> None:
        self._path, self._read = output_dir / LOG, 0
        self.steps: list[Step] = []

    def update(self) -> list[Step]:
        """All steps logged so far; a line that is still being written is left for the next time."""
        if self._path.exists():
            with self._path.open("rb") as handle:
                handle.seek(self._read)
                new = handle.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self.steps += [step for line in whole.split(b"\n") if (step := _step(line))]
        return self.steps


def read_steps(output_dir: Path) -> list[Step]:
    """The steps logged so far; a line that is still being written is left for the next time."""
    return TrainingLog(output_dir).update()


def rewind(output_dir: Path, state: dict[str, Any]) -> None:
    """Brings the log to where a checkpoint's trainer `state` was.

    The trainer goes on from there and logs what came after once more. Lines that were lost are written again from the
    state's own history.
    """
    until, total = state["global_step"], state["max_steps"]
    kept = [line for line in whole_lines(output_dir / LOG) if line.get("current_steps", until + 1) <= until]
    known = {line["current_steps"] for line in kept if "loss" in line}
    kept += [
        {"current_steps": past["step"], "total_steps": total, "loss": past["loss"], "lr": past.get("learning_rate")}
        | {"epoch": past.get("epoch"), "percentage": round(past["step"] / max(1, total) * 100, 2)}
        for past in state["log_history"]
        if "loss" in past and past["step"] not in known
    ]
    kept.sort(key=lambda line: line["current_steps"])
    write_text(output_dir / LOG, "".join(json.dumps(line) + "\n" for line in kept))


def _step(line: bytes) -> Step | None:
    try:
        logged = json.loads(line)
        return Step(logged["current_steps"], logged["total_steps"], logged.get("loss"), logged.get("elapsed_time", ""))
    except (ValueError, KeyError):
        return None
