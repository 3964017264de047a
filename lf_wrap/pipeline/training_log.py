"""`trainer_log.jsonl`, which LLaMA-Factory writes while it trains: steps, losses, and its own summary at the end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

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
    path = output_dir / LOG
    if not path.exists():
        return []
    steps = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            logged = json.loads(line)
        except ValueError:
            continue
        if "current_steps" in logged:
            steps.append(
                Step(logged["current_steps"], logged["total_steps"], logged.get("loss"), logged.get("elapsed_time", ""))
            )
    return steps
