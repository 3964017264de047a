"""Evaluate: base and tuned model answer the same test rows."""

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


def _answer_files(run: Run) -> list[Path]:
    return [run.folder.answers(model, name) for model in MODELS for name in run.recipe.evaluate.test]


def _evaluate(run: Run) -> None:
    how = run.recipe.evaluate
    asked = {name: evaluation.questions(run.dataset_dir, test, how.limit) for name, test in run.tests().items()}
    if not asked:
        run.console.print("  no test rows are named in the recipe: nothing is asked")
        return
    total = sum(map(len, asked.values()))
    for model, folder in zip(MODELS, (local_folder(run.recipe.model), run.folder.model), strict=True):
        files = {name: run.folder.answers(model, name) for name in asked}
        with progress(run.console, f"{model} answers", total) as line:
            evaluation.answer(
                folder, asked, files, line.advance, max_new_tokens=how.max_new_tokens, batch_size=how.batch_size
            )


EVALUATE = Stage("evaluate", _evaluate_inputs, _answer_files, _evaluate)
