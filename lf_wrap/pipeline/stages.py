"""The stages of a run, each with what it depends on, what it leaves, and what it does."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from lf_wrap import evaluation
from lf_wrap.dataset import Mix, build, is_fresh, load_spec, mix, registered_file
from lf_wrap.errors import UserError
from lf_wrap.files import existing_file, sha256, shown, usable, write_text
from lf_wrap.model import local_folder
from lf_wrap.pipeline.launch import launch, llamafactory_cli
from lf_wrap.pipeline.progress import Line, progress
from lf_wrap.pipeline.run_folder import RunFolder
from lf_wrap.pipeline.summary import write_summary
from lf_wrap.pipeline.training_log import read_steps
from lf_wrap.recipe import (
    Hardware,
    Recipe,
    base_model,
    export_settings,
    require_datasets,
    test_name,
    to_yaml,
    train_settings,
    weights_folder,
)

MODELS = ("base", "tuned")


@dataclass(frozen=True)
class Run:
    """One recipe on its way through the stages."""

    recipe: Recipe
    recipe_path: Path
    folder: RunFolder
    hardware: Hardware
    console: Console

    @property
    def dataset_dir(self) -> Path:
        return Path(self.recipe.data.dataset_dir)

    @property
    def weights(self) -> Path:
        return weights_folder(self.recipe, self.folder.path)

    def tests(self) -> dict[str, str]:
        """The datasets that are asked about, each with the registered name of its test rows."""
        return {name: test_name(self.recipe, name) for name in self.recipe.evaluate.test}


@dataclass(frozen=True)
class Stage:
    """`inputs` gives what the stage depends on (name: hash), `outputs` what it leaves in the run folder."""

    name: str
    inputs: Callable[[Run], dict[str, str]]
    outputs: Callable[[Run], list[Path]]
    do: Callable[[Run], None]


def _build_inputs(run: Run) -> dict[str, str]:
    """Always something new: whether datasets are stale is for the data room to say, and it says it in no time."""
    return {"asked at": str(time.time_ns())}


def _build(run: Run) -> None:
    if run.recipe.data.build:
        fix = "run from the workspace that `lfw init` laid out, or correct data.build"
        specs = load_spec(existing_file(Path(run.recipe.data.build), fix))
        if is_fresh(specs, run.dataset_dir):
            run.console.print(f"  {', '.join(specs)}: as built before")
        else:
            with progress(run.console, "rows") as line:
                cards = build(specs, run.dataset_dir, on_rows=lambda name, rows: line.at(rows, note=name))
            for card in cards:
                run.console.print(f"  {card.name}: {card.counts.law()}")
    require_datasets(run.recipe)
    _mix(run)
    render(run)


def _mix(run: Run) -> None:
    """Makes the one dataset that domain and general rows train as."""
    general = run.recipe.data.general
    if general is None:
        return
    wish = Mix(domain=run.recipe.data.train, general=general.datasets, **general.model_dump(exclude={"datasets"}))
    for name in run.recipe.trained_on:
        drawn = mix(name, wish, run.dataset_dir)
        run.console.print(f"  {name}: " + " + ".join(f"{rows:,} {dataset}" for dataset, rows in drawn.items()))


def render(run: Run) -> None:
    """Writes `train.yaml` and `export.yaml` into the run folder."""
    origin = shown(run.recipe_path)
    for path, action, settings in (
        (run.folder.train_yaml, "train", train_settings(run.recipe, run.hardware, run.folder.path)),
        (run.folder.export_yaml, "export", export_settings(run.recipe, run.folder.path)),
    ):
        write_text(path, to_yaml(settings, origin, f"llamafactory-cli {action} {usable(path)}"))


def _train_inputs(run: Run) -> dict[str, str]:
    datasets = {name: sha256(registered_file(run.dataset_dir, name)[1]) for name in run.recipe.trained_on}
    return {**datasets, "train.yaml": sha256(run.folder.train_yaml), "model": base_model(run.recipe.model).identity()}


def _train(run: Run) -> None:
    shutil.rmtree(run.weights, ignore_errors=True)
    with progress(run.console, "train") as line:
        launch(
            [llamafactory_cli(), "train", usable(run.folder.train_yaml)],
            run.folder.log("train"),
            lambda: _show_steps(run, line),
        )


def _show_steps(run: Run, line: Line) -> None:
    steps = read_steps(run.weights)
    if not steps:
        line.at(0, note="loading")
        return
    last = steps[-1]
    parts = [int(part) for part in last.elapsed.split(":")] if last.elapsed.count(":") == 2 else []
    seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    loss = next((step.loss for step in reversed(steps) if step.loss is not None), None)
    notes = [f"loss {loss:.3f}"] if loss is not None else []
    notes += [f"{last.step / seconds:.2f} steps/s"] if seconds else []
    line.at(last.step, last.total, " ".join(notes))


def _left_by(stage: str, run: Run) -> dict[str, str]:
    """What the earlier `stage` left, from the ledger: hashing weights twice would be waste."""
    end = run.folder.finished(stage)
    if end is None:
        raise UserError(f"the {stage} stage of {shown(run.folder.path)} is not done", fix=f"run with --from {stage}")
    return dict(end["outputs"])


def _export(run: Run) -> None:
    shutil.rmtree(run.folder.model, ignore_errors=True)
    with progress(run.console, "export") as line:
        launch(
            [llamafactory_cli(), "export", usable(run.folder.export_yaml)],
            run.folder.log("export"),
            lambda: line.at(0, note="merging"),
        )


def _evaluate_inputs(run: Run) -> dict[str, str]:
    tests = {test: sha256(registered_file(run.dataset_dir, test)[1]) for test in run.tests().values()}
    return {**_left_by("export", run), **tests, "evaluate": run.recipe.evaluate.model_dump_json()}


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


def _report(run: Run) -> None:
    comparisons = {}
    for name in run.recipe.evaluate.test:
        task = evaluation.task_named(evaluation.task_of(run.dataset_dir, name))
        answers = {model: evaluation.read_answers(run.folder.answers(model, name)) for model in MODELS}
        comparisons[name] = (task, evaluation.scores(task, answers["base"], answers["tuned"]), answers)
    write_summary(run.recipe, run.folder, run.dataset_dir, run.hardware, read_steps(run.weights), comparisons)


def _export_inputs(run: Run) -> dict[str, str]:
    return {**_left_by("train", run), "export.yaml": sha256(run.folder.export_yaml)}


def _report_inputs(run: Run) -> dict[str, str]:
    return {**_left_by("train", run), **_left_by("evaluate", run)}


STAGES: tuple[Stage, ...] = (
    Stage("build", _build_inputs, lambda run: [run.folder.train_yaml, run.folder.export_yaml], _build),
    Stage("train", _train_inputs, lambda run: [run.weights], _train),
    Stage("export", _export_inputs, lambda run: [run.folder.model], _export),
    Stage("evaluate", _evaluate_inputs, _answer_files, _evaluate),
    Stage("report", _report_inputs, lambda run: [run.folder.report, run.folder.manifest], _report),
)
