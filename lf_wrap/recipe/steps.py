"""How many steps a training takes, and how many tokens it sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

from lf_wrap.dataset import Lengths, Turns
from lf_wrap.recipe.hardware import Hardware


def steps(values: Mapping[str, Any], datasets: Mapping[str, Turns], hardware: Hardware) -> int | None:
    """The optimizer steps of a training on these datasets; None while their lengths are not known.

    Counted as transformers' Trainer does: batches of each epoch rounded up by device and accumulation.
    """
    if values["max_steps"] > 0:
        return int(values["max_steps"])
    if not datasets:
        return None
    return steps_of([turns.lengths() for turns in datasets.values()], values, hardware)


def steps_of(lengths: Iterable[Lengths], values: Mapping[str, Any], hardware: Hardware) -> int:
    """The optimizer steps of training on rows of these lengths for `num_train_epochs`."""
    batches = ceil(_rows(list(lengths), values) / (values["per_device_train_batch_size"] * hardware.world_size))
    an_epoch: int = max(1, ceil(batches / values["gradient_accumulation_steps"]))
    return ceil(an_epoch * float(values["num_train_epochs"]))


def tokens(values: Mapping[str, Any], datasets: Mapping[str, Turns], hardware: Hardware) -> int | None:
    """The tokens of all rows in all epochs, each row up to `cutoff_len`; None while they are not known."""
    if not datasets:
        return None
    kept: float = 1.0 - values["val_size"] if values["val_size"] < 1 else 1.0
    most = values["max_samples"]
    an_epoch = sum(int(turns.of_rows()[:most].clip(max=values["cutoff_len"]).sum()) for turns in datasets.values())
    epochs = values["num_train_epochs"]
    if values["max_steps"] > 0:
        lengths = [turns.lengths() for turns in datasets.values()]
        epochs = values["max_steps"] / steps_of(lengths, {**values, "num_train_epochs": 1}, hardware)
    return round(an_epoch * kept * float(epochs))


def _rows(lengths: list[Lengths], values: Mapping[str, Any]) -> int:
    """The rows of an epoch, as the trainer sees them: packed ones where they are packed."""
    if packs(values):
        return max(1, ceil(sum(length.total for length in lengths) / int(values["cutoff_len"])))
    most = values.get("max_samples")
    rows = sum(min(length.rows, most) if most else length.rows for length in lengths)
    held_back = values.get("val_size") or 0
    kept = rows - int(held_back if held_back >= 1 else ceil(rows * held_back))
    return int(max(1, kept))


def packs(values: Mapping[str, Any]) -> bool:
    """Whether several rows are put into one of `cutoff_len` tokens; the pt stage does unless told not to."""
    if values.get("packing") is None:
        return values.get("stage") == "pt" or bool(values.get("neat_packing"))
    return bool(values["packing"] or values.get("neat_packing"))
