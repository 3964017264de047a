"""Leaks by overlap: training rows in which most of a test question stands word for word, whatever is around it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from lf_wrap.dataset.fingerprint import Hashes, gram_hashes

GRAM = 13  # characters, as GPT-3 counted words (Brown et al. 2020, appendix C); a Chinese character says about as much
SHARE = 0.7  # of a test question's n-grams found in one training row
FEWEST = 20  # n-grams a question must have: shorter ones are compared by equality and likeness alone
SLOTS_BITS = 22
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """The n-grams of all test questions, sorted, each with its question; `slots` rules out most others at once."""

    grams: Hashes
    question: npt.NDArray[np.int64]
    needed: npt.NDArray[np.int64]
    """Per question: how many of its n-grams make a leak."""
    slots: npt.NDArray[np.bool_]


def table_of(questions: Sequence[str], prompts: Sequence[str], common: Hashes) -> Table:
    """The table for these test questions; n-grams of the `prompts` around them and `common` ones do not count."""
    fixed = np.union1d(gram_hashes(prompts, GRAM)[0], common) if prompts else common
    grams, question, needed = [], [], []
    for number, text in enumerate(questions):
        own = np.setdiff1d(gram_hashes([text], GRAM)[0][: max(0, len(text) - GRAM + 1)], fixed)
        needed.append(int(np.ceil(SHARE * len(own))) if len(own) >= FEWEST else -1)
        if len(own) >= FEWEST:
            grams.append(own)
            question.append(np.full(len(own), number, np.int64))
    every = np.concatenate(grams) if grams else np.zeros(0, np.uint64)
    whose = np.concatenate(question) if question else np.zeros(0, np.int64)
    order = np.argsort(every, kind="stable")
    slots = np.zeros(1 << SLOTS_BITS, bool)
    slots[_slot(every)] = True
    return Table(every[order], whose[order], np.array(needed, np.int64), slots)


def overlaps(path: Path, starts: Offsets, stops: Offsets, table: Table) -> list[tuple[int, int]]:
    """(row, question) for every row in which most of a question of `table` stands; rows are JSON lines of `path`."""
    with path.open("rb") as file:
        lines = [os.pread(file.fileno(), stop - start, start) for start, stop in zip(starts, stops, strict=True)]
    texts = [_all_text(orjson.loads(line)) for line in lines]
    hashes, offsets = gram_hashes(texts, GRAM)
    places = np.flatnonzero(table.slots[_slot(hashes)])
    if not len(places):
        return []
    rows = np.searchsorted(offsets, places, side="right") - 1
    first = np.searchsorted(table.grams, hashes[places], side="left")
    last = np.searchsorted(table.grams, hashes[places], side="right")
    counts = last - first
    hits = np.repeat(first, counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    found = np.unique(np.stack((np.repeat(rows, counts), table.question[hits], hits), axis=1), axis=0)[:, :2]
    pairs, times = np.unique(found, axis=0, return_counts=True)
    return [(int(row), int(question)) for (row, question) in pairs[times >= table.needed[pairs[:, 1]]]]


def question_of(row: dict[str, Any]) -> str:
    """All that comes before the last answer of a row of ours."""
    if "conversations" in row:
        return "\n".join(said["value"] for said in row["conversations"][:-1])
    return str(row.get("instruction", row.get("text", "")))


def _slot(hashes: Hashes) -> npt.NDArray[np.int64]:
    return (hashes >> np.uint64(64 - SLOTS_BITS)).astype(np.int64)


def _all_text(row: dict[str, Any]) -> str:
    if "conversations" in row:
        return "\n".join((row["system"], *(said["value"] for said in row["conversations"])))
    return "\n".join(value for value in row.values() if isinstance(value, str))
