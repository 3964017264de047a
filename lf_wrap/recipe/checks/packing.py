"""Several rows in one: of the right length, none seeing another, none lost.

Tests reproduce each on a tiny model: tests/recipe/checks/test_silent.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.steps import packs

MULTIPLE = 8
WORTH_A_WORD = 0.02  # of the tokens


def problems(case: Case) -> Iterator[Problem]:
    values = case.values
    if values["stage"] == "sft" and packs(values):
        yield from _length(case)
        yield from _apart(case)
    if values["stage"] == "pt" and packs(values):
        yield from _left_over(case)


def _length(case: Case) -> Iterator[Problem]:
    """LLaMA-Factory packs rows to `cutoff_len` tokens and then pads batches to a multiple of 8 (0.9.5,
    `train/sft/workflow.py`), but not their position ids: the two do not fit, and with liger and bf16 the loss is NaN
    from the second step on.
    """
    cutoff_len = case.values["cutoff_len"]
    if cutoff_len % MULTIPLE:
        what = f"packed rows of {cutoff_len:,} tokens fail in the first step, or make the loss NaN: no multiple of 8"
        fix = f"set cutoff_len: {cutoff_len // MULTIPLE * MULTIPLE or MULTIPLE}"
        yield Problem("error", what, case.where("train.cutoff_len"), fix)


def _apart(case: Case) -> Iterator[Problem]:
    """LLaMA-Factory keeps rows apart with a mask for each pair of tokens, or with flash attention's row lengths."""
    values = case.values
    if not values["neat_packing"]:
        what = "packing alone lets the rows in a pack see those before them: what is trained is not what is served"
        yield Problem("warning", what, case.where("train.packing"), "set neat_packing: true, which keeps them apart")
        return
    if values["use_unsloth"]:
        what = "unsloth ignores the mask that keeps packed rows apart: they see those before them"
        yield Problem("warning", what, case.where("train.use_unsloth"), "take neat_packing or use_unsloth out")
    window = case.model.sliding_window if case.model else None
    if window is None or values["flash_attn"] == "fa2":
        return
    longest = max((turns.lengths().max for turns in case.lengths.values()), default=values["cutoff_len"])
    if min(longest, values["cutoff_len"]) > window:
        what = (
            f"this model looks back {window:,} tokens in some layers, and neat_packing without flash attention lets "
            "them see the whole row: longer rows are trained otherwise than they are served"
        )
        fix = f"set flash_attn: fa2, cutoff_len: {window // MULTIPLE * MULTIPLE}, or neat_packing: false"
        yield Problem("warning", what, case.where("train.neat_packing"), fix)


def _left_over(case: Case) -> Iterator[Problem]:
    """Texts are joined, a thousand at a time (`preprocessing_batch_size`), and cut into whole blocks; the rest is
    dropped without a word (0.9.5, `data/processor/pretrain.py`).
    """
    values = case.values
    block, at_once = values["cutoff_len"], values["preprocessing_batch_size"]
    lengths = [length + 1 for turns in case.lengths.values() for length in turns.tokens.tolist()]  # and its end
    joined = [sum(lengths[start : start + at_once]) for start in range(0, len(lengths), at_once)]
    lost, whole = sum(length % block for length in joined), sum(joined)
    if whole and lost > whole * WORTH_A_WORD:
        level: Literal["error", "warning"] = "error" if lost == whole else "warning"
        what = f"about {lost / whole:.0%} of the text fills no whole block of {block:,} tokens and is dropped"
        fix = "set a smaller cutoff_len, a larger preprocessing_batch_size, or packing: false"
        yield Problem(level, what, case.where("train.cutoff_len"), fix)
