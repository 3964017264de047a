"""A training seen while it runs: its steps shown, its guard asked."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from lf_wrap.pipeline.guard import Trouble, trouble
from lf_wrap.pipeline.training_log import Step, TrainingLog
from lf_wrap.progress import Line
from lf_wrap.recipe import Guard

# The trainer prints it with each logged loss; in `trainer_log.jsonl` it is missing.
GRADIENT_NORM = re.compile(rb"'grad_norm': '?(nan|-?inf|[\d.]+(?:e[+-]?\d+)?)")


class GoneWrong(Exception):
    """The training is not worth going on."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.what)
        self.trouble = trouble


class Watch:
    """What is known of a training between two looks at its logs."""

    def __init__(self, weights: Path, log: Path, line: Line, rules: Guard, settings: dict[str, Any]) -> None:
        self._steps, self._log = TrainingLog(weights), log
        self._line, self._rules, self._settings = line, rules, settings
        self._resumed_at = self._at(self._steps.update())
        self._log_read = log.stat().st_size if log.exists() else 0
        self._gradient_norms: list[float] = []
        self._last_sign = time.monotonic()

    def look(self) -> None:
        """Shows how far the training is.

        Raises:
            GoneWrong: its guard would stop it.
        """
        known, read = len(self._steps.steps), self._log_read
        steps = self._steps.update()
        self._read_log()
        if len(steps) > known or self._log_read > read:
            self._last_sign = time.monotonic()
        self._show(steps)
        silent = time.monotonic() - self._last_sign
        found = trouble(steps, self._gradient_norms, silent, self._rules, self._settings)
        if found:
            raise GoneWrong(found)

    def _read_log(self) -> None:
        """Whole lines alone, or a number might be cut in two."""
        if not self._log.exists():
            return
        with self._log.open("rb") as handle:
            handle.seek(self._log_read)
            new = handle.read()
        whole = new[: max(new.rfind(b"\n"), new.rfind(b"\r")) + 1]
        self._log_read += len(whole)
        self._gradient_norms += [float(norm) for norm in GRADIENT_NORM.findall(whole)]

    def _show(self, steps: list[Step]) -> None:
        now = self._at(steps)
        if now == self._resumed_at:
            self._line.at(now, steps[-1].total if steps else None, note="loading")
            return
        last = steps[-1]
        parts = [int(part) for part in last.elapsed.split(":")] if last.elapsed.count(":") == 2 else []
        seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
        loss = next((step.loss for step in reversed(steps) if step.loss is not None), None)
        notes = [f"loss {loss:.3f}"] if loss is not None else []
        notes += [f"{(now - self._resumed_at) / seconds:.2f} steps/s"] if seconds else []
        self._line.at(now, last.total, " ".join(notes))

    @staticmethod
    def _at(steps: list[Step]) -> int:
        return steps[-1].step if steps else 0
