"""How long a training will take, from what earlier trainings of the same model took on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.pipeline.run_folder import RunFolder
from lf_wrap.pipeline.training_log import read_steps
from lf_wrap.recipe import Hardware, Recipe

ALIKE = ("finetuning_type", "stage", "cutoff_len", "packing", "neat_packing", "gradient_checkpointing")
"""What changes the time of a row most; runs that differ here say nothing of one another."""


def training_seconds(
    recipe: Recipe, values: Mapping[str, Any], steps: int | None, hardware: Hardware, runs: Path
) -> float | None:
    """The seconds of `steps` steps, at the newest like run's pace; None before there was one, or without `steps`.

    Like is a finished training of the same model on the same hardware with the same `ALIKE` arguments. Its seconds a
    row are taken, since batch and accumulation may differ.
    """
    if steps is None:
        return None
    rows = steps * _rows_a_step(values, hardware)
    for folder in sorted(runs.glob("*/*/"), key=lambda run: run.name, reverse=True):
        if (pace := _seconds_a_row(RunFolder(folder), recipe, values, hardware)) is not None:
            return rows * pace
    return None


def _seconds_a_row(folder: RunFolder, recipe: Recipe, values: Mapping[str, Any], hardware: Hardware) -> float | None:
    try:
        earlier = yaml.safe_load((folder.path / "recipe.yaml").read_text(encoding="utf-8"))
        trained = yaml.safe_load(folder.train_yaml.read_text(encoding="utf-8"))
        on = json.loads(folder.manifest.read_text(encoding="utf-8"))["hardware"]
    except (OSError, ValueError, KeyError, yaml.YAMLError):
        return None
    alike = all(trained.get(key, values.get(key)) == values.get(key) for key in ALIKE)
    if earlier.get("model") != recipe.model or on != str(hardware) or not alike:
        return None
    steps = [step for step in read_steps(_weights(folder)) if step.elapsed.count(":") == 2]
    if not steps:
        return None
    hours, minutes, seconds = (int(part) for part in steps[-1].elapsed.rpartition(" ")[2].split(":"))
    return (hours * 3600 + minutes * 60 + seconds) / (steps[-1].step * _rows_a_step(trained, hardware))


def _weights(folder: RunFolder) -> Path:
    adapter = folder.path / "adapter"
    return adapter if adapter.is_dir() else folder.path / "weights"


def _rows_a_step(values: Mapping[str, Any], hardware: Hardware) -> int:
    return int(values["per_device_train_batch_size"] * values["gradient_accumulation_steps"] * hardware.world_size)
