"""The 95 % interval of a mean difference, by methods that hold their promise on few rows and rare changes too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

RESAMPLES, SEED = 10_000, 0
DRAWN_AT_ONCE = 2_000_000  # places and the numbers there: 32 MB
LOWEST = 0.025  # the share of intervals that may lie below the truth, and above
WIDE_ENOUGH = 15  # groups: with fewer, bootstrap-t is wide by itself, and its percentiles are those of so many


def mean_interval(sums: Array, sizes: Array, *, bounded: bool) -> tuple[float, float]:
    """The 95 % interval of `sums.sum() / sizes.sum()`, where each entry is a group of rows that belong together.

    `bounded` says that scores lie between 0 and 1, so that no change can be larger than 1.

    - Yes-or-no differences of rows that stand for themselves: the Laplace-adjusted interval of Bonett & Price (2012).
    - Other bounded ones: groups are resampled (a row alone is a group of one) and the percentiles of their means taken,
      further out where groups are few, as Student's t asks (Hesterberg 2015, "expanded percentile").
    - Where nothing bounds the scores, a few large ones may not have come up yet: the bootstrap-t interval (Efron &
      Tibshirani 1993, ch. 12), which follows a skewed distribution, its percentiles further out in the same way.

    Before the first two, two rows are added, one better and one worse by what rows changed on average (root mean
    square), since what is rare may not have come up yet: as Bonett & Price add them. Without the two, the interval of
    40 rows of which 1 in 50 changes holds the truth 54 times in 100. An end is infinite where so few groups changed
    that bootstrap-t knows none. docs/report.md has the measurements, and those of the methods that were not taken.
    """
    import numpy

    if not bounded:
        return _bootstrap_t(sums, sizes)
    changed = sums[sums != 0] / sizes[sums != 0]
    pseudo = float(numpy.sqrt(numpy.mean(changed**2))) if len(changed) else 1.0
    # Which of the two comes first follows the data, so that swapping the models mirrors the interval exactly.
    pair = [pseudo, -pseudo] if not len(changed) or changed[0] > 0 else [-pseudo, pseudo]
    adjusted, numbers = numpy.append(sums, pair), numpy.append(sizes, [1, 1])
    if bool((sizes == 1).all() and (numpy.abs(changed) == 1).all()):
        return _laplace_adjusted(adjusted)
    level = expanded_level(len(adjusted))
    low, high = numpy.quantile(_resampled_means(adjusted, numbers), [level, 1 - level])
    return float(low), float(high)


def _laplace_adjusted(differences: Array) -> tuple[float, float]:
    """Bonett & Price 2012, eq. 3: Wald's interval of paired proportions, the two rows being added."""
    from scipy.stats import norm

    reach = float(-norm.ppf(LOWEST) * differences.std() / len(differences) ** 0.5)
    middle = float(differences.mean())
    return max(-1.0, middle - reach), min(1.0, middle + reach)  # no difference of two shares lies further out


def _bootstrap_t(sums: Array, sizes: Array) -> tuple[float, float]:
    """Resamples the mean's distance from the truth in standard errors, instead of trusting Student's t for it.

    At the 2.5th percentile it holds lognormal means 91 times in 100 where rows are few; at the expanded one, which
    `WIDE_ENOUGH` keeps from going too far, 93 to 97 times (docs/report.md).
    """
    import numpy

    mean, error = sums.sum() / sizes.sum(), standard_error(sums, sizes)
    if error == 0:
        return float(mean), float(mean)
    pulls, n = sums - mean * sizes, len(sums)
    columns = numpy.stack([pulls, sizes, pulls**2, pulls * sizes, sizes**2])
    distances = numpy.empty(RESAMPLES)
    for part, drawn in _draws(n, distances):
        pull, size, squared, crossed, sizes_squared = (column[drawn].sum(axis=1) for column in columns)
        shift = pull / size
        spread = n / (n - 1) * (squared - 2 * shift * crossed + shift**2 * sizes_squared)
        spread[spread < 1e-12 * columns[2].sum()] = 0  # rows that are all alike have no spread, but for rounding
        with numpy.errstate(divide="ignore", invalid="ignore"):
            part[:] = numpy.where(shift == 0, 0.0, shift * size / numpy.sqrt(spread))
    level = expanded_level(max(n, WIDE_ENOUGH))
    low, high = numpy.quantile(distances, [level, 1 - level], method="averaged_inverted_cdf")  # infinities allowed
    return float(mean - high * error), float(mean - low * error)


def expanded_level(n: int) -> float:
    """The percentile to take instead of the 2.5th where `n` things are resampled (Hesterberg 2015, §5.2)."""
    from scipy.stats import norm, t

    return float(norm.cdf((n / (n - 1)) ** 0.5 * t.ppf(LOWEST, n - 1)))


def standard_error(sums: Array, sizes: Array) -> float:
    """The standard error of `sums.sum() / sizes.sum()` with groups as the units (Cochran 1977, eq. 2.39).

    Raises:
        ValueError: there is only one group.
    """
    import numpy

    if len(sums) < 2:
        raise ValueError("one group has no spread")
    pulls = sums - sums.sum() / sizes.sum() * sizes
    return float(numpy.sqrt(len(sums) / (len(sums) - 1) * numpy.sum(pulls**2)) / sizes.sum())


def _resampled_means(sums: Array, sizes: Array) -> Array:
    """The means of `RESAMPLES` draws of groups with replacement."""
    import numpy

    means, n = numpy.empty(RESAMPLES), len(sums)
    alone = bool((sizes == 1).all())
    for part, drawn in _draws(n, means):
        part[:] = sums[drawn].sum(axis=1) / (n if alone else sizes[drawn].sum(axis=1))
    return means


def _draws(n: int, results: Array) -> Iterator[tuple[Array, Array]]:
    """Parts of `results` and, for each entry of a part, `n` of `n` groups drawn with replacement.

    Some at a time, so that many groups take little memory.
    """
    import numpy

    random, at_once = numpy.random.default_rng(SEED), max(1, DRAWN_AT_ONCE // n)
    for start in range(0, len(results), at_once):
        part = results[start : start + at_once]
        yield part, random.integers(0, n, size=(len(part), n))
