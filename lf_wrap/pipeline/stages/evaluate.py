"""Evaluate: base and tuned model answer the same questions, and the recipe's judge says which answers are better."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from lf_wrap import evaluation
from lf_wrap.dataset import registered_file
from lf_wrap.files import sha256
from lf_wrap.model import local_folder
from lf_wrap.pipeline.asking import ask
from lf_wrap.pipeline.judging import have_judged
from lf_wrap.pipeline.side_by_side import read_runs, side_by_side
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.recipe import Evaluate, Judge


def _evaluate_inputs(run: Run) -> dict[str, str]:
    tests = {test: sha256(registered_file(run.dataset_dir, test)[1]) for test in run.tests().values()}
    how = run.recipe.evaluate
    brought = [
        path for path in map(Path, [*how.probes, *how.choice, *how.harness, how.paraphrase or ""]) if path.exists()
    ]
    read = {str(path): sha256(path) for path in brought if path.name}
    return {**run.left_by("export"), **tests, **read, "evaluate": how.model_dump_json()}


def _left(run: Run) -> list[Path]:
    return [run.folder.evaluation]


def _evaluate(run: Run) -> None:
    how = run.recipe.evaluate
    sets = evaluation.question_sets(how, run.dataset_dir)
    evaluation.refuse_harness(how.harness, how.engine)
    if not sets and not how.harness:
        run.console.print("  no test rows are named in the recipe: nothing is asked")
    folders = {"base": lambda: local_folder(run.recipe.model), "tuned": lambda: run.folder.model}
    models = {called: partial(_engine, folder, how) for called, folder in folders.items()}
    ask(models if sets or how.harness else {}, sets, run.folder.evaluation, run.console, how=how)
    if how.judge and how.test:
        _judge(run, how.judge)


def _judge(run: Run, judge: Judge) -> None:
    """Has the answers to the test rows judged. What it said before is not asked again, nor are the models."""
    found = side_by_side(read_runs([run.folder.path]))
    written = [one.name for one in found.sets.values() if one.kind == "test" and one.task != "perplexity"]
    have_judged(run.folder.judged, judge, {name: found.answers[name] for name in written}, run.console)


def _engine(folder: Callable[[], Path], how: Evaluate) -> evaluation.Engine:
    return evaluation.engine_for(folder(), engine=how.engine, rows_at_once=how.batch_size)


EVALUATE = Stage("evaluate", _evaluate_inputs, _left, _evaluate)
