"""What `lfw run` would do, in words and commands, without doing it."""

from __future__ import annotations

from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation import questions
from lf_wrap.files import shown
from lf_wrap.pipeline.script import commands, script
from lf_wrap.pipeline.stages import Run
from lf_wrap.recipe import export_settings, launch_environment, to_yaml, train_settings


def plan(run: Run) -> dict[str, Any]:
    """`lines` for people; `commands` and `environment` as they will be executed, those of the phases before first."""
    *before, own = run.phases()
    lines = [f"run folder  {shown(run.folder.path)}", f"hardware    {run.hardware}"]
    for name, phase in zip(run.recipe.before, before, strict=True):
        lines += [f"before: {name}", *_training(phase)]
    lines += [
        *_training(own),
        f"evaluate    {', '.join(own.recipe.evaluate.test) or 'nothing'}, asked of base and tuned",
        *_judging(own),
        f"report      {shown(own.folder.report)}",
    ]
    return {
        "run_dir": shown(run.folder.path),
        "commands": [command for one in (*before, own) for command in commands(one.folder)],
        "environment": own.environment(),
        "lines": lines,
    }


def _judging(run: Run) -> list[str]:
    """Whom the answers are put to, and in how many calls, where the test rows are built."""
    judge = run.recipe.evaluate.judge
    if judge is None:
        return []
    try:
        asked = [questions(run.dataset_dir, test, run.recipe.evaluate.limit) for test in run.tests().values()]
    except UserError:
        return [f"judge       {judge.model} at {judge.base_url}; how often is known when the data is built"]
    a_row = {"both": 4, "pointwise": 2, "pairwise": 2}[judge.how]  # two answers alone; one pair in two orders
    calls = a_row * sum(len(some[: judge.limit]) for some in asked)
    return [f"judge       {judge.model} at {judge.base_url}, {calls:,} calls at most"]


def _training(run: Run) -> list[str]:
    """From data to exported weights: what is built, and the files that are rendered."""
    recipe, folder, origin = run.recipe, run.folder, shown(run.recipe_path)
    environment = launch_environment(recipe, run.hardware)
    datasets = f"{', '.join(recipe.data.train)} in {recipe.data.dataset_dir}/"
    return [
        f"build       {f'{recipe.data.build} →' if recipe.data.build else 'nothing: trains on'} {datasets}",
        "train.yaml",
        *_indented(to_yaml(train_settings(recipe, run.hardware, folder.path), origin, "see below")),
        "export.yaml",
        *_indented(to_yaml(export_settings(recipe, folder.path), origin, "see below")),
        "run.sh",
        *_indented(script(folder, run.before, environment, run.recipe_path, run.hardware.world_size)),
    ]


def _indented(text: str) -> list[str]:
    return [("            " + line).rstrip() for line in text.splitlines()]
