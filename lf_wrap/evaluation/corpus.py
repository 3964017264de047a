"""Metrics that only all rows together have (F1, perplexity, corpus BLEU), compared as those that each row has."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lf_wrap.evaluation.compare import OPEN, Comparison, groups_numbered
from lf_wrap.evaluation.interval import DRAWN_AT_ONCE, LOWEST, expanded_level, mean_interval
from lf_wrap.evaluation.tasks import Metric

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
    metrics: Mapping[str, Metric],
) -> dict[str, Comparison]:
    """The `metrics`, made by `of_sums` from the sums of both models' counts over the same rows.

    p is how often swapping base and tuned, group by group at random, gives as large a difference (Noreen 1989; Riezler
    & Maxwell 2005). A row by itself has no score, so none is said to have improved, and how many rows would be needed
    is not known. The 95 % interval is one of three:

    - The percentile bootstrap over groups, further out where few groups changed: those that did not tell nothing of the
      spread, so that Student's t has the changed ones' degrees of freedom and one more (by simulation, docs/report.md).
    - Where no group changed, what a share may be and still not come up in so many groups: 1 - 0.025^(1/n) either way
      (Clopper & Pearson 1934).
    - Of what is e to a mean, the bootstrap-t interval of the mean's difference, so of the ratio, told at the base's
      number: how far a perplexity lies from another depends on how hard the rows are, their ratio hardly does.
    """
    import numpy

    if len(base) != len(tuned) or not base:
        raise ValueError(f"{len(base)} base and {len(tuned)} tuned counts cannot be paired")
    names = sorted({name for row in (*base, *tuned) for name in row})
    places = groups_numbered(groups, numpy.ones(len(base), bool))
    before, after = (_by_group(rows, names, places) for rows in (base, tuned))
    found = {}
    seen = [_metrics(of_sums, names, side.sum(axis=0)) for side in (before, after)]
    again, swapped = (
        [_metrics(of_sums, names, sums) for sums in pair]
        for pair in (_resampled(before, after), _swapped(before, after))
    )
    for name, metric in metrics.items():
        difference = float(seen[1][name] - seen[0][name])
        by_chance = numpy.abs(numpy.asarray(swapped[1][name] - swapped[0][name]))
        p = (1 + int((by_chance >= abs(difference) - 1e-12).sum())) / (1 + RESAMPLES)
        if len(before) < 2:
            interval = OPEN
        elif metric.e_to_the_mean:
            columns = [names.index(count) for count in metric.e_to_the_mean]
            interval = _of_the_ratio(float(seen[0][name]), before[:, columns], after[:, columns])
        else:
            interval = _percentiles(numpy.asarray(again[1][name] - again[0][name]), before, after)
        found[name] = Comparison(
            base=float(seen[0][name]),
            tuned=float(seen[1][name]),
            difference=difference,
            interval=interval,
            n=len(base),
            groups=len(before),
            improved=None,
            worsened=None,
            p=p,
            p_corrected=p,
            rows_needed=None,
            unscored=0,
            higher_is_better=metric.higher_is_better,
        )
    return found


def _percentiles(differences: Array, before: Array, after: Array) -> tuple[float, float]:
    """Of the resampled differences those that the number of changed groups asks for."""
    import numpy

    n, changed = len(before), int((before != after).any(axis=1).sum())
    if not changed:
        unseen = 1 - LOWEST ** (1 / n)
        return -unseen, unseen
    level = expanded_level(min(n, changed + 2))
    low, high = numpy.nanquantile(differences, [level, 1 - level])
    return float(low), float(high)


def _of_the_ratio(base: float, before: Array, after: Array) -> tuple[float, float]:
    """The interval of e to a mean's difference, at the `base`. Columns are the sums and sizes of each group."""
    import numpy

    ends = mean_interval(after[:, 0] - before[:, 0], before[:, 1], bounded=False)
    with numpy.errstate(over="ignore"):
        low, high = (float(base * numpy.expm1(end)) for end in ends)
    return low, high


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
