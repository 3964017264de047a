"""Several rows in one sequence of `cutoff_len` + 1 tokens, as LLaMA-Factory's packing (0.9.5) fills them.

The longest row that still fits comes next; where rows are equally long, the last of them. What is left is padding.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from lf_wrap.dataset.tokenized.cut import IGNORED
from lf_wrap.dataset.tokenized.encode import Ids

NO_MEDIA = 2**32  # LLaMA-Factory's MAX_SU_SEQ_IDX: stands where a packed row holds no pictures


@dataclass(frozen=True)
class Packed:
    """One sequence, all arrays of `cutoff_len` + 1."""

    ids: Ids
    labels: Ids
    attention: Ids
    """1 everywhere; with `neat` 1, 2, 3 … for the rows in it and 0 for the padding."""
    positions: Ids
    """From 0 within each row, and 0 in the padding."""
    boundaries: list[int]
    padding: int


def pack(rows: list[tuple[Ids, Ids]], cutoff_len: int, pad: int, *, neat: bool) -> list[Packed]:
    """The rows (ids and labels) in as few sequences as the greedy rule finds; longer rows are dropped."""
    by_length: dict[int, list[int]] = defaultdict(list)
    fitting = [number for number, (ids, _) in enumerate(rows) if len(ids) <= cutoff_len]
    for number in fitting:
        by_length[len(rows[number][0])].append(number)
    filled = []
    for lengths in _knapsacks([len(rows[number][0]) for number in fitting], cutoff_len):
        together = [rows[by_length[length].pop()] for length in lengths]
        filled.append(_packed(together, cutoff_len + 1, pad, neat=neat))
    return filled


def _knapsacks(lengths: list[int], capacity: int) -> list[list[int]]:
    left = sorted(lengths)
    knapsacks = []
    while left:
        knapsack: list[int] = []
        room = capacity
        while place := bisect(left, room):
            length = left.pop(place - 1)
            knapsack.append(length)
            room -= length
        knapsacks.append(knapsack)
    return knapsacks


def _packed(rows: list[tuple[Ids, Ids]], length: int, pad: int, *, neat: bool) -> Packed:
    lengths = [len(ids) for ids, _ in rows]
    padding = length - sum(lengths)
    numbers = np.repeat(np.arange(1, len(rows) + 2, dtype=np.int32), [*lengths, padding])
    numbers[length - padding :] = 0
    return Packed(
        ids=np.concatenate([*(ids for ids, _ in rows), np.full(padding, pad, np.int32)]),
        labels=np.concatenate([*(labels for _, labels in rows), np.full(padding, IGNORED, np.int32)]),
        attention=numbers if neat else np.ones(length, np.int32),
        positions=np.concatenate([*(np.arange(one, dtype=np.int32) for one in lengths), np.zeros(padding, np.int32)]),
        boundaries=np.cumsum([0, *lengths, padding]).tolist(),
        padding=padding,
    )
