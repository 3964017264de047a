"""Train: `llamafactory-cli train` on the rendered YAML, from where an earlier one of the same inputs stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lf_wrap.dataset import registered_file
from lf_wrap.errors import ChildFailed, Interrupted
from lf_wrap.files import sha256, shown, usable
from lf_wrap.pipeline.checkpoints import Checkpoint, checkpoints
from lf_wrap.pipeline.family import Leave
from lf_wrap.pipeline.guard import Trouble
from lf_wrap.pipeline.launch import launch, llamafactory_cli
from lf_wrap.pipeline.leaving import leave_to_save
from lf_wrap.pipeline.ranks import agreeing
from lf_wrap.pipeline.resume import found, going_on_from, prepare, set_aside, settings_that_matter
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.pipeline.training_log import rewind
from lf_wrap.pipeline.watch import GoneWrong, Watch
from lf_wrap.progress import progress
from lf_wrap.recipe import base_model

# What the later stages read of the weights' folder; its checkpoints are of no use to them and far larger.
LEFT = (
    "*.safetensors",
    "*.index.json",
    "adapter_model.bin",
    "pytorch_model*.bin",
    "adapter_config.json",
    "config.json",
)
STOPPED_ITSELF = b"Saving JIT checkpoint at step"  # transformers.trainer_jit_checkpoint, after a SIGTERM


def _train_inputs(run: Run) -> dict[str, str]:
    datasets = {name: sha256(registered_file(run.dataset_dir, name)[1]) for name in run.recipe.trained_on}
    model = {
        "model": base_model(run.recipe.begins).identity(),
        "processes": str(run.hardware.world_size),
    }
    return {**datasets, **model, **settings_that_matter(_settings(run))}


def _settings(run: Run) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(run.folder.train_yaml.read_text(encoding="utf-8"))
    return settings


def _train(run: Run) -> None:
    log = run.folder.log("train")
    start, told = _start(run)
    command = llamafactory_cli("train", usable(run.folder.train_yaml))
    if start:
        told.append(f"going on from step {start.step}")
        command += going_on_from(start)
    for sentence in told:
        run.console.print(f"  {sentence}")
    logged_before = log.stat().st_size if log.exists() else 0
    try:
        with progress(run.console, "train") as line:
            watch = Watch(run.weights, log, line, run.recipe.guard, _settings(run))
            environment = run.environment() | agreeing(run.hardware.world_size)
            launch(command, log, watch.look, environment, lambda: _leave(run))
    except GoneWrong as stop:
        wrong = stop.trouble
        fix = wrong.fix + _keep_sound(run, wrong)
        raise ChildFailed(f"the guard stopped the training: {wrong.what}", where=shown(log), fix=fix) from None
    if _stopped_itself(log, logged_before):
        raise Interrupted(
            "somebody else asked the trainer to stop: it wrote a checkpoint", fix="the same command goes on from there"
        )


def _start(run: Run) -> tuple[Checkpoint | None, list[str]]:
    """The checkpoint to go on from and what there is to tell. Node 0 prepares the folder for all nodes."""
    inputs, processes = _train_inputs(run), run.hardware.world_size
    if run.folder.node:
        return found(run.weights, inputs, processes), []
    start, told = prepare(run.weights, inputs, processes, run.folder.aside)
    if start:
        rewind(run.weights, start.state())
    return start, told


def _keep_sound(run: Run, found: Trouble) -> str:
    """Sets aside what was saved after the training went wrong, so that no later one goes on from it; says so."""
    if found.good_until is None:
        return ""
    spoiled = [one for one in checkpoints(run.weights) if one.step > found.good_until]
    for checkpoint in spoiled:
        set_aside(checkpoint.path, run.folder.aside)
    return f" ({', '.join(one.path.name for one in spoiled)} set aside: saved after it went wrong)" if spoiled else ""


def _leave(run: Run) -> Leave:
    return leave_to_save(run.weights, run.hardware.world_size, run.console)


def _stopped_itself(log: Path, began_at: int) -> bool:
    """Whether the trainer ended well, but before its last step, since somebody sent it a SIGTERM."""
    with log.open("rb") as handle:
        handle.seek(began_at)
        return any(STOPPED_ITSELF in line for line in handle)


def _left(run: Run) -> list[Path]:
    return sorted(file for pattern in LEFT for file in run.weights.glob(pattern))


def _forget(run: Run) -> None:
    """So that a training that is asked for again does not go on from the end of the last one."""
    if run.weights.exists():
        set_aside(run.weights, run.folder.aside)


TRAIN = Stage("train", _train_inputs, _left, _train, forget=_forget)
