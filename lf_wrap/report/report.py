"""What a report tells, before it is put on a page: the verdict in a sentence, each answer's fate, the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

from lf_wrap.evaluation import Comparison, Comparisons, JudgedRow, JudgedSet, Metric

SAID = ("better", "worse", "changed", "cannot tell")
Fate = Literal["fixed", "broken", "better", "worse", "right", "wrong", "same", "failed"]
FATES: dict[Fate, str] = {
    "fixed": "fixed by tuning",
    "broken": "broken by tuning",
    "better": "better after tuning",
    "worse": "worse after tuning",
    "right": "right before and after",
    "wrong": "wrong before and after",
    "same": "scored the same",
    "failed": "not answered",
}


@dataclass(frozen=True)
class Pair:
    """One question, what both models answered, and what tuning did to the answer's headline score."""

    row: int
    messages: list[dict[str, str]]
    references: tuple[str, ...]
    base: JudgedRow
    tuned: JudgedRow
    fate: Fate


@dataclass(frozen=True)
class Report:
    """A run's results. `judged` may be empty, and so may everything that a recipe need not ask for."""

    manifest: dict[str, Any]
    losses: list[tuple[int, float]]
    judged: list[JudgedSet]
    scores: Comparisons
    train_yaml: str
    commands: list[str]
    parity: dict[str, Any] | None = None
    opinions: dict[str, Any] = field(default_factory=dict)
    """By question set what a judge model said: `Judging.to_json`."""

    def headline(self, one: JudgedSet) -> Comparison | None:
        """The comparison that decides about a set; None where only one model was asked."""
        return self.scores[one.name].get(one.headline)

    def sets(self, *kinds: str) -> list[JudgedSet]:
        return [one for one in self.judged if one.kind in kinds]

    def verdict(self) -> str:
        """The answer to "did it get better?" in a sentence, with what was lost on the way."""
        tests = {one.name: found for one in self.sets("test") if (found := self.headline(one))}
        if not tests:
            return "No test rows were asked, so nothing can be said about whether the model got better."
        probes = {one.name: found for one in self.sets("probe", "choice") if (found := self.headline(one))}
        forgot = [name for name, found in probes.items() if found.verdict == "worse"]
        lost = f" It lost general skill: worse on {_listed(forgot)}." if forgot else ""
        on = {said: [name for name, found in tests.items() if found.verdict == said] for said in SAID}
        if len(on["cannot tell"]) == len(tests):
            return f"It cannot be told whether the model got better.{lost}"
        told = [f"{said} on {_listed(on[said])}" for said in SAID if on[said] and said != "cannot tell"]
        unclear = f" On {_listed(on['cannot tell'])} it cannot be told." if on["cannot tell"] else ""
        return f"The tuned model is {', '.join(told)}.{unclear}{lost}"

    def to_json(self) -> dict[str, Any]:
        """`report.json`: everything but the answers, which are in `evaluation/`."""
        return {
            "verdict": self.verdict(),
            "sets": {
                one.name: {
                    "kind": one.kind,
                    "task": one.task,
                    "headline": one.headline,
                    "scores": {metric: found.to_json() for metric, found in self.scores[one.name].items()},
                    "failures": one.failures,
                    "fates": fates(one),
                }
                for one in self.judged
            },
            "losses": [[step, loss if isfinite(loss) else None] for step, loss in self.losses],
            "parity": self.parity,
            "judge": self.opinions,
            "commands": self.commands,
            "manifest": self.manifest,
        }


def pairs(one: JudgedSet) -> list[Pair]:
    """Every question of a set that both models were asked, in its order."""
    return [
        Pair(before.row, before.messages, before.references, before, after, _fate(one, before, after))
        for before, after in zip(one.base, one.tuned, strict=False)
    ]


def fates(one: JudgedSet) -> dict[str, int]:
    """How many answers met each fate; those that none met are left out."""
    met = [pair.fate for pair in pairs(one)]
    return {fate: met.count(fate) for fate in FATES if fate in met}


def _fate(one: JudgedSet, before: JudgedRow, after: JudgedRow) -> Fate:
    if before.failure or after.failure:
        return "failed"
    metric = one.metrics[one.headline]
    had, has = before.scores.get(one.headline), after.scores.get(one.headline)
    if had is None or has is None:
        return "same"
    gained = has - had if metric.higher_is_better is not False else had - has
    if metric.counted:
        return "fixed" if gained > 0 else "broken" if gained < 0 else "right" if has else "wrong"
    return "better" if gained > 1e-9 else "worse" if gained < -1e-9 else "same"


def amount(value: float, metric: Metric, n: int | None = None) -> str:
    """A mean as people read it: `27 of 40 (67.5 %)` for yes-or-no metrics, `67.5 %`, or the number as it is."""
    if not isfinite(value):
        return "—"
    if metric.unit != "%":
        return f"{value:.3g}"
    percent = f"{100 * value:.1f} %"
    return f"{round(value * n)} of {n} ({percent})" if metric.counted and n else percent


def change(value: float, metric: Metric) -> str:
    """A difference: in percentage points where the metric is in percent; open ends of an interval as they are."""
    if not isfinite(value):
        return "?" if value != value else "−∞" if value < 0 else "∞"
    return (f"{100 * value:+.1f}" if metric.unit == "%" else f"{value:+.3g}").replace("-", "−")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
