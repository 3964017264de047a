"""Train: `llamafactory-cli train` on the rendered YAML."""

from __future__ import annotations

import shutil

from lf_wrap.dataset import registered_file
from lf_wrap.files import sha256, usable
from lf_wrap.pipeline.launch import launch, llamafactory_cli
from lf_wrap.pipeline.progress import Line, progress
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.pipeline.training_log import read_steps
from lf_wrap.recipe import base_model


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


TRAIN = Stage("train", _train_inputs, lambda run: [run.weights], _train)
