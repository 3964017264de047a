"""`trainer_log.jsonl`, which LLaMA-Factory writes while it trains: steps, losses, and its own summary at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lf_wrap.files import whole_lines

LOG = "trainer_log.jsonl"


@dataclass(frozen=True)
class Step:
    """One logged step."""

    step: int
    total: int
    loss: float | None
    elapsed: str


def read_steps(output_dir: Path) -> list[Step]:
    """The steps logged so far; a line that is still being written is left for the next time."""
    return [
        Step(logged["current_steps"], logged["total_steps"], logged.get("loss"), logged.get("elapsed_time", ""))
        for logged in whole_lines(output_dir / LOG)
        if "current_steps" in logged
    ]
