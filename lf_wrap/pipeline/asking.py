"""Models are asked their question sets, one after the other, with a line of progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from lf_wrap import evaluation
from lf_wrap.evaluation import Engine, QuestionSet
from lf_wrap.progress import progress


def ask(
    models: Mapping[str, Callable[[], Engine]], sets: Sequence[QuestionSet], folder: Path, console: Console
) -> None:
    """Lets every model (`base`, `tuned`) answer all `sets` into `folder`; none is loaded before its turn.

    Raises:
        UserError: a model cannot be loaded, or answers nothing.
    """
    evaluation.write_sets(folder, sets)
    total = sum(len(one.questions) for one in sets)
    for called, open_engine in models.items():
        with progress(console, f"{called} answers", total) as line:
            evaluation.answer(open_engine(), called, sets, folder, line.advance)
    for one in evaluation.read_judged(folder):
        for called, failures in one.failures.items():
            if failures:
                reason = next(row.failure for row in getattr(one, called) if row.failure)
                console.print(f"  {one.name}: {failures:,} without an answer from {called}, in no score ({reason})")
