"""Which rows train, which test, and which neither: duplicates, leaks, and rows nobody asked for.

Everything here works on the arrays of the pool; a row is its number. Keys: `whole` for duplicates, `cluster` for
near-duplicates, `group` for what must stay on one side.
"""

from __future__ import annotations

import random
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lf_wrap.dataset.deduplicate import Mask, Numbers, best_of_each, clusters, first_of_each, joined
from lf_wrap.dataset.pool import Pool

# What is held out when nobody says: enough to see a difference, never more than a twentieth of the rows.
HELD_OUT_SHARE, HELD_OUT_MOST = 0.05, 100


@dataclass(frozen=True)
class Wish:
    """The rows of one dataset, and what its spec asks for. `tests` is empty when both come from one source."""

    rows: range
    tests: range | None
    train: int | None
    test: int | None
    seed: int
    shuffle: bool
    leaks: bool
    """Whether its training rows are kept clear of all test questions."""


@dataclass
class Split:
    """Row numbers of the pool, and how many of the dataset's rows are in neither list for which reason."""

    train: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    test: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    leaked: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    duplicates: int = 0
    near_duplicates: int = 0
    not_sampled: int = 0

    def drop_leaks(self, rows: Numbers) -> None:
        """Takes these rows from training as leaks."""
        gone = np.isin(self.train, rows)
        self.leaked, self.train = np.concatenate((self.leaked, self.train[gone])), self.train[~gone]


@dataclass(frozen=True)
class Relations:
    """How the rows of a pool are related."""

    unique: Mask
    """Not equal to an earlier row of the same kind (training or test)."""
    best: Mask
    """Not alike to a better row that could train."""
    cluster: Numbers | None = None
    """Rows that are alike are in one cluster; -1 for test rows and duplicates. None where rows are not compared."""
    group: Numbers | None = None
    """Rows that ask the same, ask alike, or have one group id are in one group. None where each is alone."""

    def rows_of_groups(self, rows: Mask) -> Mask:
        """Which rows are in a group of any of these."""
        return rows if self.group is None else np.isin(self.group, np.unique(self.group[rows]))


def relate(pool: Pool, trainable: Mask, *, exact: Mask, near: Mask) -> Relations:
    """The relations of all rows, within and across datasets. `trainable` tells training rows from test rows."""
    if not len(pool.whole):
        return Relations(everything := np.broadcast_to(np.True_, len(pool)), everything)
    unique, best, cluster = np.ones(len(pool), bool), np.ones(len(pool), bool), np.full(len(pool), -1, np.int64)
    for side in (trainable & exact, ~trainable & exact):
        unique[side] = first_of_each(pool.whole[side])
    labels = [pool.question, pool.group]
    if len(pool.like):
        candidates = np.flatnonzero(trainable & unique & near)
        cluster[candidates] = clusters(pool.like[candidates], pool.like_grams[candidates])
        best[candidates] = best_of_each(cluster[candidates], pool.answer_characters[candidates])
        labels.append((clusters(pool.asks_like, pool.asks_grams) + 1).astype(np.uint64))
    return Relations(unique, best, cluster, joined(*labels))


def split(pool: Pool, wishes: list[Wish], relations: Relations) -> list[Split]:
    """The rows of each dataset, divided as wished; with `leaks` no group of any test rows is in its training rows.

    From one source the order is the tutorial's: `random.seed(seed)`, one shuffle, the first rows train, the next test.
    So on a file without rejects, duplicates and leaks the training rows are the very ones its script picks. Training
    rows that are lost to leaks are made up from the rest where there is one.
    """
    orders, splits = [], []
    for wish in wishes:
        order, rest = _order(wish, relations), Split()
        usable = len(order)
        if wish.tests is None:
            trains, tests = _wished(wish, usable)
            rest.test = order[trains : trains + tests]
            if len(rest.test):
                order = np.concatenate((order[:trains], order[trains + tests :]))
        else:
            candidates = np.arange(wish.tests.start, wish.tests.stop)
            rest.test = candidates[relations.unique[candidates]][: wish.test]
        orders.append(order)
        splits.append(rest)
    tested = np.zeros(len(pool), bool)
    for one in splits:
        tested[one.test] = True
    leaked = relations.rows_of_groups(tested) if tested.any() else tested
    for wish, one, order in zip(wishes, splits, orders, strict=True):
        _fill(one, wish, order, leaked if wish.leaks else np.broadcast_to(np.False_, len(pool)), relations)
    return splits


def _order(wish: Wish, relations: Relations) -> Numbers:
    """The rows that may train, in the order in which they are taken."""
    rows = slice(wish.rows.start, wish.rows.stop)
    taken = relations.unique[rows] & relations.best[rows]
    order: Numbers = np.arange(wish.rows.start, wish.rows.stop, dtype=_smallest(wish.rows.stop))
    if not taken.all():
        order = order[taken]
    if wish.shuffle:
        places = array("q", range(len(order)))  # a list would hold an object of 32 bytes for each
        random.Random(wish.seed).shuffle(places)  # noqa: S311  (reproducible on purpose)
        order = order[np.frombuffer(places, np.int64)]
    return order


def _smallest(rows: int) -> type[np.signedinteger[Any]]:
    """The smallest integers that number so many rows: of millions, each byte of a row is felt."""
    return np.int32 if rows < 1 << 31 else np.int64


def _wished(wish: Wish, usable: int) -> tuple[int, int]:
    tests = min(HELD_OUT_MOST, int(HELD_OUT_SHARE * usable)) if wish.test is None else wish.test
    return max(0, usable - tests) if wish.train is None else wish.train, tests


def _fill(one: Split, wish: Wish, order: Numbers, leaked: Mask, relations: Relations) -> None:
    """Takes the training rows from `order` and counts what became of every other row of the dataset."""
    clean = ~leaked[order]
    wanted = len(order) if wish.train is None else wish.train
    if wanted >= len(order):
        one.train, one.leaked = (order, order[:0]) if clean.all() else (order[clean], order[~clean])
    else:
        reached = np.cumsum(clean) <= wanted
        one.train, one.leaked = order[clean & reached], order[~clean & reached]
    rows = slice(wish.rows.start, wish.rows.stop)
    one.duplicates = int(np.count_nonzero(~relations.unique[rows]))
    one.near_duplicates = int(np.count_nonzero(relations.unique[rows] & ~relations.best[rows]))
    one.not_sampled = len(order) - len(one.train) - len(one.leaked)
    if wish.tests is not None:
        tests = np.arange(wish.tests.start, wish.tests.stop)
        unique = int(np.count_nonzero(relations.unique[tests]))
        one.duplicates += len(tests) - unique
        one.not_sampled += unique - len(one.test)


def rows_by_group(groups: Numbers) -> list[list[int]]:
    """The places, from 1, of rows whose group has others among these rows, group by group."""
    places: dict[int, list[int]] = {}
    for place, group in enumerate(groups.tolist(), 1):
        places.setdefault(group, []).append(place)
    return [some for some in places.values() if len(some) > 1]
