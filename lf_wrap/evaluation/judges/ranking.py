"""Many models from duels of two: Bradley-Terry strengths on the scale that Elo made familiar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lf_wrap.evaluation.judges.pairwise import Duel

if TYPE_CHECKING:
    import numpy.typing as npt

MEAN, POINTS_FOR_TENFOLD = 1000, 400  # Elo's scale: 400 points ahead wins ten times as often as it loses
RESAMPLES, SEED = 500, 0
ITERATIONS, CLOSE_ENOUGH = 2_000, 1e-7


@dataclass(frozen=True)
class Ranked:
    """A model's rating with its 95 % interval, and how often it won; a tie is half a win for each."""

    model: str
    rating: float
    interval: tuple[float, float]
    wins: float
    duels: int


def rank(duels: Sequence[Duel]) -> list[Ranked]:
    """All models of the duels, the strongest first.

    Ratings are the Bradley-Terry model's maximum likelihood, found by Zermelo's iteration (Hunter 2004, eq. 3), unlike
    Elo's running sum independent of the order of the duels. Each pair that met has half a tie added, so that a model
    which won all its duels has a rating too. Intervals are a bootstrap over each duel's rows.
    """
    import numpy

    models = sorted({model for duel in duels for model in (duel.first, duel.second)})
    counted = [_points(duel) for duel in duels]
    wins = _wins(models, duels, [points.sum(axis=0) for points in counted])
    random = numpy.random.default_rng(SEED)
    again = [points[random.integers(0, len(points), (RESAMPLES, len(points)))].sum(axis=1) for points in counted]
    drawn = numpy.array([_wins(models, duels, [points[place] for points in again]) for place in range(RESAMPLES)])
    ratings, (low, high) = _ratings(wins), numpy.percentile(_ratings(drawn), [2.5, 97.5], axis=0)
    ranked = [
        Ranked(
            model,
            round(float(ratings[place]), 1),
            (round(float(low[place]), 1), round(float(high[place]), 1)),
            float(wins[place].sum()),
            int(wins[place].sum() + wins[:, place].sum()),
        )
        for place, model in enumerate(models)
    ]
    return sorted(ranked, key=lambda one: -one.rating)


def _points(duel: Duel) -> npt.NDArray[Any]:
    """Of each row with a verdict, the points of the first model and of the second."""
    import numpy

    shares = {"first": (1.0, 0.0), "second": (0.0, 1.0), "tie": (0.5, 0.5)}
    points = [shares[winner] for winner in duel.winners if winner is not None]
    return numpy.array(points or [(0.0, 0.0)])


def _wins(models: list[str], duels: Sequence[Duel], points: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """How many points each model (row) took from each other (column)."""
    import numpy

    wins = numpy.zeros((len(models), len(models)))
    for duel, (first, second) in zip(duels, points, strict=True):
        one, other = models.index(duel.first), models.index(duel.second)
        wins[one, other] += first
        wins[other, one] += second
    return wins


def _ratings(wins: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The ratings of one table of wins, or of many (stacked in the first axis) at once."""
    import numpy

    flipped = numpy.swapaxes(wins, -1, -2)
    smoothed = wins + 0.25 * (wins + flipped > 0)  # half a tie for every pair that met
    games = smoothed + numpy.swapaxes(smoothed, -1, -2)
    strengths = numpy.ones(wins.shape[:-1])
    for _ in range(ITERATIONS):
        expected = (games / (strengths[..., :, None] + strengths[..., None, :])).sum(axis=-1)
        new = numpy.divide(smoothed.sum(axis=-1), expected, out=numpy.ones(strengths.shape), where=expected > 0)
        new /= numpy.exp(numpy.log(new).mean(axis=-1, keepdims=True))
        done = numpy.abs(numpy.log(new / strengths)).max() < CLOSE_ENOUGH
        strengths = new
        if done:
            break
    return MEAN + POINTS_FOR_TENFOLD * numpy.log10(strengths)
