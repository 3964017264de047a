"""There is room for what the run writes: checkpoints with the optimizer's state, tuned weights, the exported model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from lf_wrap.recipe.base_model import WEIGHTS, BaseModel
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.steps import steps

RUNS = Path("runs")
# A trainable weight in a checkpoint: itself and AdamW's two moments, all fp32 unless the training is pure bf16.
BYTES_IN_CHECKPOINT, BYTES_IN_CHECKPOINT_BF16 = 12, 6
BYTES_IN_MODEL = 2  # base models come in bf16; one of fp32 is counted double, on the safe side


def problems(needed: int, case: Case) -> Iterator[Problem]:
    """Of a run whose trainings write `needed` bytes together; `case` is the last of them."""
    free = shutil.disk_usage(RUNS if RUNS.is_dir() else Path()).free
    if needed > free:
        what = f"the run writes about {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free"
        fix = "set save_total_limit: 1 or save_only_model: true, or work on a larger disk"
        yield Problem("error", what, case.where("train.save_total_limit"), fix)


def bytes_written(case: Case) -> int | None:
    """The bytes of a training's weights at their most; None for a model that is not on this machine.

    Adapters are small beside the exported model and are not counted.
    """
    weights = _weights(case.model)
    if weights is None:
        return None
    exported = weights
    if case.recipe.finetuning_type != "full":
        return exported
    trainable = weights // BYTES_IN_MODEL
    whole = BYTES_IN_CHECKPOINT_BF16 if case.values["pure_bf16"] else BYTES_IN_CHECKPOINT
    each = trainable * (whole // 3 if case.values["save_only_model"] else whole)
    return exported + trainable * whole // 3 + each * _checkpoints(case)


def _weights(model: BaseModel | None) -> int | None:
    if model is None or model.folder is None:
        return None
    return sum(file.stat().st_size for pattern in WEIGHTS for file in model.folder.glob(pattern))


def _checkpoints(case: Case) -> int:
    """How many checkpoints lie side by side at most: one is written before the oldest goes."""
    values = case.values
    if values["save_strategy"] == "no":
        return 0
    total = steps(values, case.lengths, case.hardware)
    if values["save_strategy"] == "epoch":
        written: int = max(1, round(values["num_train_epochs"]))
    else:
        every = values["save_steps"] if values["save_steps"] >= 1 else values["save_steps"] * (total or 0)
        written = int(total // every) + 1 if total and every else 2
    limit: int | None = values["save_total_limit"]
    return min(written, limit + 1) if limit else written
