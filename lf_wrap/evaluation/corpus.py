"""Metrics that only all rows together have (F1, perplexity, corpus BLEU), compared as those that each row has."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lf_wrap.evaluation.compare import OPEN, Comparison, groups_numbered
from lf_wrap.evaluation.interval import DRAWN_AT_ONCE, expanded_level

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Counts = Mapping[str, float]
OfSums = Callable[[Mapping[str, Any]], Mapping[str, Any]]
RESAMPLES, SEED = 4_000, 0


def compare_sums(
    base: Sequence[Counts],
    tuned: Sequence[Counts],
    of_sums: OfSums,
    *,
    groups: Sequence[Hashable] | None = None,
    better_when_higher: Mapping[str, bool | None],
) -> dict[str, Comparison]:
    """The metrics of `better_when_higher`, made by `of_sums` from the sums of both models' counts over the same rows.

    The interval is the percentile bootstrap over groups, further out where groups are few; p is how often swapping
    base and tuned, group by group at random, gives as large a difference (Noreen 1989; Riezler & Maxwell 2005). A row
    by itself has no score, so none is said to have improved, and how many rows would be needed is not known.
    """
    import numpy

    if len(base) != len(tuned) or not base:
        raise ValueError(f"{len(base)} base and {len(tuned)} tuned counts cannot be paired")
    names = sorted({name for row in (*base, *tuned) for name in row})
    places = groups_numbered(groups, numpy.ones(len(base), bool))
    before, after = (_by_group(rows, names, places) for rows in (base, tuned))
    n, found = len(before), {}
    seen = [_metrics(of_sums, names, side.sum(axis=0)) for side in (before, after)]
    again, swapped = (
        [_metrics(of_sums, names, sums) for sums in pair]
        for pair in (_resampled(before, after), _swapped(before, after))
    )
    level = expanded_level(n) if n > 1 else 0.0
    for metric, higher_is_better in better_when_higher.items():
        difference = float(seen[1][metric] - seen[0][metric])
        differences = numpy.asarray(again[1][metric] - again[0][metric])
        by_chance = numpy.abs(numpy.asarray(swapped[1][metric] - swapped[0][metric]))
        low, high = OPEN if n < 2 else numpy.nanquantile(differences, [level, 1 - level])
        p = (1 + int((by_chance >= abs(difference) - 1e-12).sum())) / (1 + RESAMPLES)
        found[metric] = Comparison(
            base=float(seen[0][metric]),
            tuned=float(seen[1][metric]),
            difference=difference,
            interval=(float(low), float(high)),
            n=len(base),
            groups=n,
            improved=None,
            worsened=None,
            p=p,
            p_corrected=p,
            rows_needed=None,
            unscored=0,
            higher_is_better=higher_is_better,
        )
    return found


def _resampled(before: Array, after: Array) -> tuple[Array, Array]:
    """Of each resample of the groups the sums of both models' counts."""
    import numpy

    random, n = numpy.random.default_rng(SEED), len(before)
    both = numpy.hstack((before, after))
    even = numpy.full(n, 1 / n)
    sums = numpy.vstack([random.multinomial(n, even, size=size) @ both for size in _portions(n)])
    return sums[:, : before.shape[1]], sums[:, before.shape[1] :]


def _swapped(before: Array, after: Array) -> tuple[Array, Array]:
    """The sums where of each group a coin decides which model's counts are whose."""
    import numpy

    random, n = numpy.random.default_rng(SEED), len(before)
    kept = [random.integers(0, 2, size=(size, n), dtype=numpy.int8) @ (before - after) for size in _portions(n)]
    one = numpy.vstack(kept) + after.sum(axis=0)
    return one, before.sum(axis=0) + after.sum(axis=0) - one


def _portions(n: int) -> list[int]:
    """How many of the resamples are made at a time, so that many groups take little memory."""
    at_once = max(1, DRAWN_AT_ONCE // n)
    return [min(at_once, RESAMPLES - start) for start in range(0, RESAMPLES, at_once)]


def _by_group(rows: Sequence[Counts], names: list[str], places: Array) -> Array:
    """The counts as columns, in the order of `names`, summed over each group."""
    import numpy

    table = numpy.array([[row.get(name, 0.0) for name in names] for row in rows], dtype=float)
    summed = numpy.zeros((int(places.max()) + 1, len(names)))
    numpy.add.at(summed, places, table)
    return summed


def _metrics(of_sums: OfSums, names: list[str], sums: Array) -> Mapping[str, Any]:
    """`of_sums` of sums whose last axis is the count's name. What divides by nothing is no number."""
    import numpy

    with numpy.errstate(all="ignore"):
        return of_sums({name: sums[..., place] for place, name in enumerate(names)})
