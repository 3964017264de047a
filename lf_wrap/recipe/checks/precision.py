"""The number format that the recipe asks for is one that this machine has."""

from __future__ import annotations

from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.hardware import BF16_SINCE


def problems(case: Case) -> Iterator[Problem]:
    values, gpus = case.values, case.hardware.gpus
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
