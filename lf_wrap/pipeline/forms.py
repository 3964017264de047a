"""Exports of a run that is trained: the merged model and its proof, then whichever other forms are asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import shown
from lf_wrap.model import local_folder
from lf_wrap.pipeline.launch import launch, llamafactory_cli
from lf_wrap.pipeline.run import perform
from lf_wrap.pipeline.run_folder import RunFolder, run_folder
from lf_wrap.pipeline.stages import Run
from lf_wrap.pipeline.stages.export import read_yaml, rows_to_ask
from lf_wrap.progress import progress
from lf_wrap.recipe import detect_hardware, load_recipe


def trained_run(recipe_or_run: Path, overrides: Sequence[str], console: Console) -> Run:
    """The run in a run folder, or the newest one of a recipe, of which the training is done.

    Raises:
        UserError: there is none.
    """
    in_folder = recipe_or_run / "recipe.yaml"
    path = in_folder if recipe_or_run.is_dir() else recipe_or_run
    if recipe_or_run.is_dir() and not in_folder.is_file():
        raise UserError(
            f"{shown(recipe_or_run)} is no run folder: it has no recipe.yaml",
            fix="name a recipe, or a folder like runs/<recipe>/<time>-<hash>",
        )
    recipe = load_recipe(path, overrides)
    folder = RunFolder(recipe_or_run) if recipe_or_run.is_dir() else run_folder(recipe, Path("runs"), fresh=False)
    if folder.finished("train") is None:
        raise UserError(
            f"{shown(recipe_or_run)} has no run whose training is done",
            where=f"looked in {shown(folder.path)}",
            fix=f"lfw run {shown(recipe_or_run)} --to export"
            if recipe_or_run.is_file()
            else "go on with it: lfw run RECIPE --to export",
        )
    return Run(recipe, path, folder, detect_hardware(), console)


def export_forms(run: Run, forms: Iterable[str]) -> dict[str, Any]:
    """Exports the merged model where that is not done, then each form; returns what `lfw export --json` prints.

    Raises:
        UserError: a form is unknown, or something it needs is not there.
        ChildFailed: the export is not the tuned model, or a form is not the merged one.
    """
    from lf_wrap.model.forms import FORMS, MERGED, require_form

    wanted = [form for form in dict.fromkeys(forms) if form != MERGED]
    for form in wanted:
        if form not in FORMS:
            raise UserError(f"there is no form {form!r}", fix=did_you_mean(form, [MERGED, *FORMS]))
    base = local_folder(run.recipe.begins)
    for form in wanted:
        require_form(form, base, run.exported)
    perform(run, only="export")
    return {
        "model_dir": shown(run.folder.model),
        "parity": json.loads(run.folder.parity.read_text(encoding="utf-8")),
        "forms": {form: _made(run, form) for form in wanted},
    }


def _made(run: Run, form: str) -> dict[str, Any]:
    """The form's folder and figures; what was made from the same merged model before is left as it is."""
    name, target = f"form {form}", run.folder.exports / form
    inputs = run.left_by("export")
    if not run.folder.still_done(name, inputs, [target]):
        run.console.print(form, style="bold")
        run.folder.record(name, "start", inputs=inputs)
        began = time.monotonic()
        with progress(run.console, form) as line:
            figures = _make(run, form, target, lambda words: line.at(0, note=words))
        seconds = round(time.monotonic() - began, 2)
        outputs = run.folder.hashes([target])
        run.folder.record(name, "end", exit=0, inputs=inputs, outputs=outputs, seconds=seconds, figures=figures)
    end = run.folder.finished(name) or {}
    return {"dir": shown(target), **end.get("figures", {})}


def _make(run: Run, form: str, target: Path, say: Any) -> dict[str, Any]:
    from lf_wrap.model.forms import Tuned, make_form
    from lf_wrap.model.parity import TrainedTemplate

    def llamafactory(arguments: Sequence[str]) -> None:
        launch(
            llamafactory_cli(*arguments),
            run.folder.log(f"export-{form}"),
            lambda: say("llamafactory-cli"),
            run.environment(),
        )

    trained_with = read_yaml(run.folder.train_yaml)
    template = TrainedTemplate.of(local_folder(run.recipe.model), trained_with)
    tuned = Tuned(
        run.folder.model, run.exported, template, trained_with, rows_to_ask(run), llamafactory=llamafactory, say=say
    )
    return make_form(form, tuned, target)
