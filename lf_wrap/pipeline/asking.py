"""Models are asked their question sets, one after the other, with a line of progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from lf_wrap import evaluation
from lf_wrap.evaluation import Engine, HarnessRows, QuestionSet
from lf_wrap.progress import progress
from lf_wrap.recipe import Evaluate


def ask(
    models: Mapping[str, Callable[[], Engine]],
    sets: Sequence[QuestionSet],
    folder: Path,
    console: Console,
    *,
    how: Evaluate,
) -> None:
    """Lets every model (`base`, `tuned`) answer all `sets` into `folder`; none is loaded before its turn.

    Then lm-evaluation-harness asks the tasks that are wished in `how`.

    Raises:
        UserError: a model cannot be loaded, or answers nothing.
    """
    evaluation.write_sets(folder, sets)
    total = sum(len(one.questions) for one in sets)
    by_harness: dict[str, HarnessRows] = {}
    for called, open_engine in models.items():
        engine = open_engine()
        if sets:
            with progress(console, f"{called} answers", total) as line:
                evaluation.answer(engine, called, sets, folder, line.advance)
        if how.harness:
            console.print(f"  {called} answers lm-evaluation-harness: {', '.join(how.harness)}")
            by_harness[called] = evaluation.harness_rows(engine, how.harness, how.limit, how.batch_size)
    evaluation.write_harness(folder, by_harness)
    for one in evaluation.read_judged(folder):
        for called, failures in one.failures.items():
            if failures:
                reason = next(row.failure for row in getattr(one, called) if row.failure)
                console.print(f"  {one.name}: {failures:,} without an answer from {called}, in no score ({reason})")
