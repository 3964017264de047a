"""Which rows train, which test, and which neither: duplicates, leaks, and rows nobody asked for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from lf_wrap.dataset.spool import Spool

# What is held out when nobody says: enough to see a difference, never more than a twentieth of the rows.
HELD_OUT_SHARE, HELD_OUT_MOST = 0.05, 100


@dataclass
class Split:
    """Row numbers of a spool, and how many rows are in neither list for which reason."""

    train: list[int] = field(default_factory=list)
    test: list[int] = field(default_factory=list)
    duplicates: int = 0
    leaks: int = 0
    not_sampled: int = 0


def first_of_each(hashes: Sequence[int], numbers: Sequence[int]) -> list[int]:
    """The `numbers` whose hash did not occur before, in their order."""
    seen: set[int] = set()
    return [number for number in numbers if not (hashes[number] in seen or seen.add(hashes[number]))]  # type: ignore[func-returns-value]


def split_one(spool: Spool, train: int | None, test: int | None, *, seed: int, deduplicate: bool) -> Split:
    """Train and other rows for test from one pool.

    The order is the tutorial's: `random.seed(seed)`, one shuffle, the first `train` rows train, the next `test` rows
    test. So on a file without duplicates and rejects the training rows are the very ones its script picks.
    """
    numbers = list(range(len(spool)))
    unique = first_of_each(spool.whole, numbers) if deduplicate else numbers
    order = list(unique)
    random.Random(seed).shuffle(order)  # noqa: S311  (reproducible on purpose)
    tests = min(HELD_OUT_MOST, int(HELD_OUT_SHARE * len(order))) if test is None else test
    trains = max(0, len(order) - tests) if train is None else train
    split = Split(train=order[:trains], test=order[trains : trains + tests], duplicates=len(numbers) - len(unique))
    split.not_sampled = len(order) - len(split.train) - len(split.test)
    return _without_leaks(split, spool)


def split_files(spool: Spool, tests_from: int, train: int | None, test: int | None, *, deduplicate: bool) -> Split:
    """Train rows (numbers before `tests_from`) and test rows that came in files of their own, in the files' order."""
    pools = range(tests_from), range(tests_from, len(spool))
    unique = [first_of_each(spool.whole, pool) if deduplicate else list(pool) for pool in pools]
    split = Split(train=unique[0][:train], test=unique[1][:test])
    split.duplicates = len(spool) - len(unique[0]) - len(unique[1])
    split.not_sampled = len(unique[0]) + len(unique[1]) - len(split.train) - len(split.test)
    return _without_leaks(split, spool)


def _without_leaks(split: Split, spool: Spool) -> Split:
    """Takes from training every row whose question is also asked in the test rows, whatever its answer."""
    asked = {spool.question[number] for number in split.test}
    clean = [number for number in split.train if spool.question[number] not in asked]
    split.leaks, split.train = len(split.train) - len(clean), clean
    return split
