"""The number format that the recipe asks for is one that this machine has."""

from __future__ import annotations

from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.hardware import BF16_SINCE

# AdamW moves a weight by about the learning rate. Weights of models are some 0.02 (their `initializer_range`), and bf16
# numbers there are 0.00012 apart: of smaller steps most are rounded away (tests/recipe/checks/test_silent.py).
LEAST_RATE_IN_BF16 = 1e-4


def problems(case: Case) -> Iterator[Problem]:
    values, gpus = case.values, case.hardware.gpus
    yield from _rounded_away(case)
    if not gpus:
        if values["bf16"] and not values["use_cpu"]:
            fix = "take use_cpu out: lfw sets it where there is no GPU"
            yield Problem("error", "bf16 needs a GPU, and there is none here", case.where("train.bf16"), fix)
        for key in ("pure_bf16", "fp8"):
            if values[key]:
                what = f"{key} needs a GPU, and there is none here"
                yield Problem("error", what, case.where(f"train.{key}"), "take it out, or run on a machine with a GPU")
        return
    if values["use_cpu"]:
        what = f"use_cpu leaves {case.hardware} idle"
        yield Problem("warning", what, case.where("train.use_cpu"), "take it out")
    if (values["bf16"] or values["pure_bf16"]) and not case.hardware.bf16:
        slow = next(gpu.name for gpu in gpus if gpu.compute_capability < BF16_SINCE)
        what = f"{slow} has no bf16 matrix units: it computes bf16 slowly, or not at all"
        key = "bf16" if values["bf16"] else "pure_bf16"
        yield Problem("warning", what, case.where(f"train.{key}"), "set fp16 instead")


def _rounded_away(case: Case) -> Iterator[Problem]:
    """With pure_bf16 there are no weights of 32 bits behind those that are trained. An adapter's are smaller."""
    values, rate = case.values, float(case.values["learning_rate"])
    if not values["pure_bf16"] or values["finetuning_type"] in {"lora", "oft"} or rate >= LEAST_RATE_IN_BF16:
        return
    what = f"at learning_rate {rate:g}, pure_bf16 rounds most steps of the weights away: the training learns little"
    fix = "set bf16: true instead, which keeps weights of 32 bits, or a learning_rate of 1e-4 or more"
    yield Problem("warning", what, case.where("train.pure_bf16"), fix)
