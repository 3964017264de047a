"""A packed row's length is a multiple of 8.

LLaMA-Factory packs rows to `cutoff_len` tokens and then pads batches to a multiple of 8 (0.9.5,
`train/sft/workflow.py`), but not their position ids: the two do not fit, and with liger and bf16 the loss is NaN from
the second step on.
"""

from __future__ import annotations

from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem

MULTIPLE = 8


def problems(case: Case) -> Iterator[Problem]:
    values = case.values
    packed = values["packing"] or values["neat_packing"]
    if values["stage"] == "sft" and packed and values["cutoff_len"] % MULTIPLE:
        cutoff_len = values["cutoff_len"]
        what = f"packed rows of {cutoff_len:,} tokens fail in the first step, or make the loss NaN: no multiple of 8"
        fix = f"set cutoff_len: {cutoff_len // MULTIPLE * MULTIPLE or MULTIPLE}"
        yield Problem("error", what, case.where("train.cutoff_len"), fix)
