"""How easily chance gives a difference, what many comparisons at once do to that, and how many rows would tell."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

LEVEL = 0.05
POWER = 0.8
FLIPS, SEED = 20_000, 0
ALL_SIGNS_UP_TO = 14  # 2^14 patterns are fewer than FLIPS


def sign_flip(differences: npt.NDArray[Any]) -> float:
    """The two-sided p-value of no difference: how often the sum is as far from 0 when every sign is a coin's throw.

    Where the model changed nothing, a difference is as likely to be +d as -d. Over yes-or-no scores this is the exact
    McNemar test (McNemar 1947; the binomial form), over others Fisher's randomisation test for pairs (Fisher 1935,
    §21): all patterns of signs where they are few, 20,000 random ones where they are many, of which none can be less
    likely than 1 in 20,001 (Davison & Hinkley 1997, eq. 4.11). Give sums over groups to compare groups.
    """
    import numpy
    from scipy.stats import binom

    changed = numpy.abs(differences[differences != 0])
    if not len(changed):
        return 1.0
    if numpy.all(changed == changed[0]):
        fewer = min(int((differences > 0).sum()), int((differences < 0).sum()))
        return min(1.0, 2 * float(binom.cdf(fewer, len(changed), 0.5)))
    reached = abs(float(differences.sum())) - 1e-9 * float(changed.sum())
    if len(changed) <= ALL_SIGNS_UP_TO:
        patterns = (numpy.arange(2 ** len(changed))[:, None] >> numpy.arange(len(changed))) & 1
        return float(numpy.mean(numpy.abs((2 * patterns - 1) @ changed) >= reached))
    random, extreme = numpy.random.default_rng(SEED), 0
    at_once = max(1, 2_000_000 // len(changed))
    for start in range(0, FLIPS, at_once):
        signs = random.integers(0, 2, size=(min(at_once, FLIPS - start), len(changed)), dtype=numpy.int8)
        extreme += int((numpy.abs((2 * signs - 1) @ changed) >= reached).sum())
    return (1 + extreme) / (1 + FLIPS)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, raised so that the chance of even one false alarm among all of them stays as said (Holm 1979)."""
    raised, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        raised[place] = highest
    return raised


def rows_needed(difference: float, error: float, n: int) -> int | None:
    """How many rows such as these would tell a true `difference` from 0: at the 5 % level, in 4 of 5 evaluations.

    `error` is the standard error of the difference over `n` rows, groups allowed for: it shrinks with the root of the
    rows, and the difference must be (1.96 + 0.84) times as large (Cohen 1988, ch. 2). None where there is no
    difference to tell or no spread to judge by.
    """
    from scipy.stats import norm

    if difference == 0 or error == 0:
        return None
    wanted = (norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER)) * error / abs(difference)
    return ceil(n * float(wanted) ** 2)
