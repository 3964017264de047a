"""The training fits each GPU's memory, by estimate; where it does not, what would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.deepspeed import zero_stage
from lf_wrap.recipe.memory import GIB, Load, Memory, peak_memory

# The estimate is some percent off: close to the limit is a warning, clearly beyond it an error.
CLOSE, BEYOND = 0.95, 1.1
PRECISIONS = ("bf16", "fp16", "pure_bf16", "fp8")


def problems(case: Case) -> Iterator[Problem]:
    there = [gpu.memory_bytes for gpu in case.hardware.gpus if gpu.memory_bytes]
    load = load_of(case)
    if not there or load is None:
        return
    needed, room = peak_memory(load).needed, min(there)
    if needed <= CLOSE * room:
        return
    what = f"about {needed / GIB:,.1f} GiB a GPU are needed at the peak, of {room / GIB:,.1f} GiB"
    level = "error" if needed > BEYOND * room else "warning"
    where, fix = case.where("train.per_device_train_batch_size"), _what_fits(load, CLOSE * room)
    yield Problem("error" if level == "error" else "warning", what, where, fix)


def estimate(case: Case) -> Memory | None:
    """The memory of each GPU; None where the model's shape or the length of its rows is not known."""
    load = load_of(case)
    return peak_memory(load) if load else None


def load_of(case: Case) -> Load | None:
    """The training as its memory sees it; without a GPU here, as it would be on one that computes in bf16."""
    shape = case.model.shape if case.model else None
    if shape is None:
        return None
    values: dict[str, Any] = dict(case.values)
    if not case.hardware.gpus and not any(values[precision] for precision in PRECISIONS):
        values["bf16"] = True
    longest = max((turns.lengths().max for turns in case.lengths.values()), default=values["cutoff_len"])
    said = case.sound.train.get("deepspeed")
    offloads = "offload" in said if isinstance(said, str) else False
    return Load(
        shape,
        values,
        min(longest, values["cutoff_len"]),
        processes=case.hardware.world_size,
        zero=zero_stage(said) or 0,
        offload_optimizer=offloads,
        offload_weights=offloads and zero_stage(said) == 3,
    )


def _what_fits(load: Load, room: float) -> str:
    """The least change that fits: a smaller batch, then what costs speed or exactness, then both."""
    changes: list[tuple[str, Load]] = []
    for words, changed in (
        ("", {}),
        ("enable_liger_kernel: true", {"enable_liger_kernel": True}),
        ("disable_gradient_checkpointing: false", {"disable_gradient_checkpointing": False}),
        ("pure_bf16: true", {"pure_bf16": True}),
        ("finetuning_type: lora", {"finetuning_type": "lora"}),
        ("finetuning_type: lora, quantization_bit: 4", {"finetuning_type": "lora", "quantization_bit": 4}),
    ):
        if any(load.arguments.get(key) != value for key, value in changed.items()) or not changed:
            changes.append((words, replace(load, arguments={**load.arguments, **changed})))
    for words, other in changes:
        batch = int(other.arguments["per_device_train_batch_size"])
        accumulation = int(other.arguments["gradient_accumulation_steps"])
        while batch >= 1:
            if peak_memory(_with_batch(other, batch)).needed <= room:
                return f"this would fit: {_said(words, batch, load, accumulation)}"
            batch //= 2
    return (
        "nothing tried fits, not even 4 bits and batches of one: take a smaller model, larger GPUs or DeepSpeed zero3"
    )


def _with_batch(load: Load, batch: int) -> Load:
    return replace(load, arguments={**load.arguments, "per_device_train_batch_size": batch})


def _said(words: str, batch: int, load: Load, accumulation: int) -> str:
    before = int(load.arguments["per_device_train_batch_size"])
    if batch == before:
        return words
    smaller = f"per_device_train_batch_size: {batch}, gradient_accumulation_steps: {accumulation * before // batch}"
    return f"{words}, {smaller}" if words else smaller
