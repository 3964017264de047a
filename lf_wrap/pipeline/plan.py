"""What `lfw run` would do, in words and commands, without doing it."""

from __future__ import annotations

from typing import Any

from lf_wrap.files import shown
from lf_wrap.pipeline.script import commands, script
from lf_wrap.pipeline.stages import Run
from lf_wrap.recipe import export_settings, launch_environment, to_yaml, train_settings


def plan(run: Run) -> dict[str, Any]:
    """`lines` for people; `commands` and `environment` as they will be executed."""
    recipe, folder = run.recipe, run.folder
    environment = launch_environment(recipe, run.hardware)
    origin = shown(run.recipe_path)
    data = f"{recipe.data.build or 'nothing'} → {', '.join(recipe.data.train)} in {recipe.data.dataset_dir}/"
    lines = [
        f"run folder  {shown(folder.path)}",
        f"hardware    {run.hardware}",
        f"build       {data}",
        "train.yaml",
        *_indented(to_yaml(train_settings(recipe, run.hardware, folder.path), origin, "see below")),
        "export.yaml",
        *_indented(to_yaml(export_settings(recipe, folder.path), origin, "see below")),
        "run.sh",
        *_indented(script(folder, environment, run.recipe_path)),
        f"evaluate    {', '.join(recipe.evaluate.test) or 'nothing'}, asked of base and tuned",
        f"report      {shown(folder.report)}",
    ]
    return {
        "run_dir": shown(folder.path),
        "commands": commands(folder),
        "environment": run.environment(),
        "lines": lines,
    }


def _indented(text: str) -> list[str]:
    return [("            " + line).rstrip() for line in text.splitlines()]
