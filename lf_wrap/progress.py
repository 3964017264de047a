"""One line of progress with the time left: live in a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

SECONDS_BETWEEN_LINES = 15.0
SECONDS_BEFORE_A_LINE = 2.0


class Line:
    """The progress of one piece of work. `total` may be None until it is known."""

    def __init__(self, console: Console, title: str, total: int | None) -> None:
        self._console, self._title, self._total = console, title, total
        self._done, self._began, self._said = 0, time.monotonic(), time.monotonic()
        self._done_before: int | None = None  # what the first report found done says nothing of the speed
        self._live: Progress | None = None
        if console.is_terminal:
            from rich import progress as rich

            columns = (
                rich.TextColumn("  {task.description}", markup=False),
                rich.BarColumn(24),
                rich.MofNCompleteColumn(),
                rich.TextColumn("{task.fields[note]}", markup=False),
                rich.TimeElapsedColumn(),
                rich.TimeRemainingColumn(),
            )
            self._live = rich.Progress(*columns, console=console, transient=True)
            self._task = self._live.add_task(title, total=total, note="")
            self._live.start()

    def advance(self, by: int = 1) -> None:
        self.at(self._done + by)

    def at(self, done: int, total: int | None = None, note: str = "") -> None:
        """Shows that `done` of `total` is done; `note` says what else is known (a loss, a speed)."""
        self._done, self._total = done, total or self._total
        if self._done_before is None and done:
            self._done_before, self._began = done, time.monotonic()
            if self._live:
                self._live.reset(self._task, total=self._total, completed=done)
        if self._live:
            self._live.update(self._task, completed=done, total=self._total, note=note)
        elif time.monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            count = f"{done:,}{self._of_total()}" if done or self._total else ""
            self._console.print(
                f"  {self._title}: {' '.join(filter(None, [count, note]))}{self._left()}", highlight=False
            )

    def close(self) -> None:
        if self._live:
            self._live.stop()

    def _of_total(self) -> str:
        return f" of {self._total:,}" if self._total else ""

    def _left(self) -> str:
        done_since = self._done - (self._done_before or 0)
        if not self._total or not done_since:
            return ""
        seconds = (time.monotonic() - self._began) / done_since * (self._total - self._done)
        return f", {seconds:,.0f} s left"


@contextmanager
def progress(console: Console, title: str, total: int | None = None) -> Iterator[Line]:
    """A progress line for the block."""
    line = Line(console, title, total)
    try:
        yield line
    finally:
        line.close()


class LateLine:
    """A line that is there once the work has taken two seconds: what is done sooner needs none, and no rich either."""

    def __init__(self, console: Callable[[], Console], title: str) -> None:
        self._console, self._title, self._began = console, title, time.monotonic()
        self._line: Line | None = None

    def at(self, done: int, total: int | None = None, note: str = "") -> None:
        """Shows, once it is time, that `done` of `total` is done."""
        if self._line is None and time.monotonic() - self._began >= SECONDS_BEFORE_A_LINE:
            self._line = Line(self._console(), self._title, total)
        if self._line:
            self._line.at(done, total, note)

    def close(self) -> None:
        if self._line:
            self._line.close()


@contextmanager
def late_progress(console: Callable[[], Console], title: str) -> Iterator[LateLine]:
    """A progress line for a block that often takes no time at all."""
    line = LateLine(console, title)
    try:
        yield line
    finally:
        line.close()
