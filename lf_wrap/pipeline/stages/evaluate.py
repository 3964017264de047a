"""Evaluate: base and tuned model answer the same questions."""

from __future__ import annotations

from pathlib import Path

from lf_wrap import evaluation
from lf_wrap.dataset import registered_file
from lf_wrap.files import sha256
from lf_wrap.model import local_folder
from lf_wrap.pipeline.progress import progress
from lf_wrap.pipeline.stages.stage import MODELS, Run, Stage


def _evaluate_inputs(run: Run) -> dict[str, str]:
    tests = {test: sha256(registered_file(run.dataset_dir, test)[1]) for test in run.tests().values()}
    return {**run.left_by("export"), **tests, "evaluate": run.recipe.evaluate.model_dump_json()}


def _left(run: Run) -> list[Path]:
    return [run.folder.evaluation]


def _evaluate(run: Run) -> None:
    how, sets = run.recipe.evaluate, evaluation.question_sets(run.recipe.evaluate, run.dataset_dir)
    evaluation.write_sets(run.folder.evaluation, sets)
    if not sets:
        run.console.print("  no test rows are named in the recipe: nothing is asked")
        return
    total = sum(len(one.questions) for one in sets)
    for model, folder in zip(MODELS, (local_folder(run.recipe.model), run.folder.model), strict=True):
        with progress(run.console, f"{model} answers", total) as line:
            engine = evaluation.engine_for(folder, engine=how.engine, rows_at_once=how.batch_size)
            evaluation.answer(engine, model, sets, run.folder.evaluation, line.advance)


EVALUATE = Stage("evaluate", _evaluate_inputs, _left, _evaluate)
