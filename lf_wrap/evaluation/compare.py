"""Base against tuned on the same questions: means, the difference, how sure it is, and how many rows would tell."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, TypeVar

from lf_wrap.evaluation.interval import mean_interval, standard_error
from lf_wrap.evaluation.significance import LEVEL, holm, rows_needed, sign_flip

if TYPE_CHECKING:
    import numpy.typing as npt

BETTER, WORSE, CHANGED, CANNOT_TELL = "better", "worse", "changed", "cannot tell"
FEWEST_CHANGED = 6
"""With fewer rows that changed no outcome is unlikely enough: five of five in one direction is p = 0.0625."""
OPEN = (float("-inf"), float("inf"))
"""The interval where nothing is known: there is one group, or none."""

Key = TypeVar("Key")


@dataclass(frozen=True)
class Comparison:
    """One metric over `n` questions that both models answered. `interval` is the 95 % interval of `difference`."""

    base: float
    tuned: float
    difference: float
    """tuned - base, whichever direction is better."""
    interval: tuple[float, float]
    n: int
    groups: int
    """How many of the questions stand for themselves: rows of one patient, dialogue or question count as one."""
    improved: int | None
    """How many answers got a better score; None for a metric that only all rows together have."""
    worsened: int | None
    p: float
    """The probability of such a difference by chance: exact McNemar for yes-or-no metrics, else random sign flips."""
    p_corrected: float
    """The same for all comparisons that were made together (`corrected`); `p` before that."""
    rows_needed: int | None
    """How many rows would show a difference of this size in 4 of 5 evaluations; None where there is none to show."""
    unscored: int
    """Questions left out because an answer has no score."""
    higher_is_better: bool | None
    """None where neither direction is better: `improved` then counts what rose."""

    @property
    def verdict(self) -> str:
        """Better or worse only where the whole interval lies on that side of 0 and chance is ruled out at 5 %."""
        low, high = self.interval
        if self.p_corrected > LEVEL or low <= 0 <= high:
            return CANNOT_TELL
        if self.higher_is_better is None:
            return CHANGED
        return BETTER if (low > 0) == self.higher_is_better else WORSE

    @property
    def why(self) -> str:
        """The verdict's reason in a sentence; what would be needed where nothing can be told."""
        if self.n == 0:
            return "no question has a score from both models"
        told = self._changes()
        if self.verdict != CANNOT_TELL:
            return told
        if self.difference == 0 and not (self.improved or self.worsened):
            return f"all {self.n} answers score the same"
        if self.p <= LEVEL < self.p_corrected:
            told = "not clear enough among so many comparisons"
        if self.rows_needed is not None and self.rows_needed > self.n:
            told += f"; about {self.rows_needed:,} rows would tell such a difference"
        return told

    def _changes(self) -> str:
        if self.improved is None or self.worsened is None:
            return f"over all {self.n} answers together"
        changed = self.improved + self.worsened
        if self.verdict == CANNOT_TELL and changed < FEWEST_CHANGED:
            return f"only {changed} of {self.n} answers changed their score"
        if self.verdict == CANNOT_TELL and self.groups < FEWEST_CHANGED:
            return f"the {self.n} answers are only {self.groups} independent ones"
        up, down = ("rose", "fell") if self.higher_is_better is None else ("improved", "got worse")
        return f"{self.improved} of {self.n} answers {up}, {self.worsened} {down}"

    def to_json(self) -> dict[str, Any]:
        """The comparison as `--json` prints it; an end of the interval that is open is null."""
        told: dict[str, Any] = {"base": self.base, "tuned": self.tuned, "difference": self.difference}
        told = {name: _number(value) for name, value in told.items()}
        told |= {"interval": [_number(end) for end in self.interval], "n": self.n, "verdict": self.verdict}
        told |= {"why": self.why, "p": self.p, "p_corrected": self.p_corrected, "rows_needed": self.rows_needed}
        told |= {"improved": self.improved, "worsened": self.worsened, "groups": self.groups}
        return told | {"unscored": self.unscored, "higher_is_better": self.higher_is_better}


def compare(
    base: Sequence[float],
    tuned: Sequence[float],
    *,
    groups: Sequence[Hashable] | None = None,
    higher_is_better: bool | None = True,
) -> Comparison:
    """Compares two models' scores of the same questions, in pairs: easy and hard ones weigh the same on both sides.

    `groups` says of each question what it belongs to; questions of one group are not independent, so groups are what
    is resampled and tested. A question that either model has no finite score for is left out and counted.

    Raises:
        ValueError: not the same number of scores (or groups) on both sides.
    """
    import numpy

    if len(base) != len(tuned) or (groups is not None and len(groups) != len(base)):
        raise ValueError(f"{len(base)} base and {len(tuned)} tuned scores cannot be paired")
    before, after = numpy.asarray(base, dtype=float), numpy.asarray(tuned, dtype=float)
    scored = numpy.isfinite(before) & numpy.isfinite(after)
    n = int(scored.sum())
    if n == 0:
        return Comparison(nan, nan, nan, OPEN, 0, 0, 0, 0, 1.0, 1.0, None, len(base), higher_is_better)
    before, after = before[scored], after[scored]
    differences = after - before
    places = groups_numbered(groups, scored)
    sums, sizes = numpy.bincount(places, differences), numpy.bincount(places).astype(float)
    sums[numpy.abs(sums) < 1e-12] = 0.0  # a group whose changes cancel
    p, difference = sign_flip(sums), float(differences.mean())
    within_one = bool((before.min() >= 0) & (after.min() >= 0) & (before.max() <= 1) & (after.max() <= 1))
    alone = len(sums) < 2
    better, worse = differences > 0, differences < 0
    if higher_is_better is False:
        better, worse = worse, better
    return Comparison(
        base=float(before.mean()),
        tuned=float(after.mean()),
        difference=difference,
        interval=OPEN if alone else mean_interval(sums, sizes, bounded=within_one),
        n=n,
        groups=len(sums),
        improved=int(better.sum()),
        worsened=int(worse.sum()),
        p=p,
        p_corrected=p,
        rows_needed=None if alone else rows_needed(difference, standard_error(sums, sizes), n),
        unscored=len(base) - n,
        higher_is_better=higher_is_better,
    )


def corrected(comparisons: Mapping[Key, Comparison]) -> dict[Key, Comparison]:
    """The comparisons held to account together: who asks twenty times is shown something by chance once (Holm 1979)."""
    raised = holm([one.p for one in comparisons.values()])
    return {key: replace(one, p_corrected=p) for (key, one), p in zip(comparisons.items(), raised, strict=True)}


def groups_numbered(groups: Sequence[Hashable] | None, scored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The number of each scored question's group."""
    import numpy

    if groups is None:
        return numpy.arange(int(scored.sum()))
    numbers: dict[Hashable, int] = {}
    kept = (group for group, has_score in zip(groups, scored, strict=True) if has_score)
    return numpy.array([numbers.setdefault(group, len(numbers)) for group in kept])


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
