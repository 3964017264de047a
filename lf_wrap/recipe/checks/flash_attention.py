"""Flash attention, where it is installed: with a transformers that can call it, and with one pack a step.

Seen on an H100 with LLaMA-Factory 0.9.5 and flash-attn 2.8.3; where flash-attn is missing, LLaMA-Factory takes the
model's usual attention (`packages.py` tells that) and none of this arises.
"""

from __future__ import annotations

from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.packages import installed
from lf_wrap.recipe.checks.problem import Problem

# Its `integrations/flash_attention.py` calls `s_aux.to(…)` of attention sinks that few models have; 5.5 does not, and
# 5.6.1, which LLaMA-Factory 0.9.5 refuses, asks first.
BROKEN = "5.6.0"


def problems(case: Case) -> Iterator[Problem]:
    if case.values["flash_attn"] != "fa2" or not installed("flash-attn"):
        return
    where = case.where("train.flash_attn")
    if installed("transformers") == BROKEN:
        what = f"transformers {BROKEN} fails in the first step with flash attention: 'NoneType' has no attribute 'to'"
        yield Problem("error", what, where, "pip install 'transformers==5.5.4', or take flash_attn out")
    yield from _one_pack(case, where)


def _one_pack(case: Case, where: str) -> Iterator[Problem]:
    """LLaMA-Factory keeps the rows of a pack apart by their positions there, which transformers reads of one pack."""
    values = case.values
    if not values["neat_packing"]:
        return
    evaluates = values["eval_dataset"] or values["val_size"]
    keys = ["per_device_train_batch_size", *(["per_device_eval_batch_size"] if evaluates else [])]
    if many := [key for key in keys if values[key] > 1]:
        what = "neat_packing takes one pack a step with flash attention: LLaMA-Factory stops at "
        what += " and ".join(f"{key}: {values[key]}" for key in many)
        yield Problem("error", what, where, f"set {' and '.join(f'{key}: 1' for key in many)}, or take flash_attn out")
