"""Base against tuned on the same questions: means, the difference, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

RESAMPLES, SEED = 10_000, 0
DRAWN_AT_ONCE = 2_000_000  # places and the scores there: 32 MB
BETTER, WORSE, UNCLEAR = "better", "worse", "no clear difference"


@dataclass(frozen=True)
class Comparison:
    """One metric over `n` questions. `interval` is the 95 % interval of the difference tuned - base."""

    base: float
    tuned: float
    difference: float
    interval: tuple[float, float]
    n: int
    verdict: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"interval": list(self.interval)}


def compare(base: Sequence[float], tuned: Sequence[float]) -> Comparison:
    """The paired bootstrap of the mean difference (Efron & Tibshirani 1993, ch. 13: percentile interval).

    Questions are resampled in pairs, so that easy and hard questions weigh the same on both sides. The verdict is
    `better` or `worse` only when the whole interval lies on one side of 0.

    Raises:
        ValueError: there are no questions, or not the same number on both sides.
    """
    import numpy

    if not base or len(base) != len(tuned):
        raise ValueError(f"{len(base)} base and {len(tuned)} tuned scores cannot be paired")
    differences = numpy.asarray(tuned, dtype=float) - numpy.asarray(base, dtype=float)
    low, high = (float(value) for value in numpy.percentile(_resampled_means(differences), [2.5, 97.5]))
    verdict = BETTER if low > 0 else WORSE if high < 0 else UNCLEAR
    means = float(numpy.mean(base)), float(numpy.mean(tuned))
    return Comparison(*means, float(differences.mean()), (low, high), len(differences), verdict)


def _resampled_means(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The means of `RESAMPLES` draws with replacement, made some at a time so that many values take little memory."""
    import numpy

    random, n = numpy.random.default_rng(SEED), len(values)
    means = numpy.empty(RESAMPLES)
    at_once = max(1, DRAWN_AT_ONCE // n)
    for start in range(0, RESAMPLES, at_once):
        part = means[start : start + at_once]
        part[:] = values[random.integers(0, n, size=(len(part), n))].mean(axis=1)
    return means
