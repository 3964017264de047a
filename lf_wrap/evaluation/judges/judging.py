"""A judge's work on one question set: what it would ask and cost, and what it said of each model and each pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.compare import Comparison, compare
from lf_wrap.evaluation.judged import JudgedRow
from lf_wrap.evaluation.judges.endpoint import Bill, Endpoint, Messages, bill, estimate
from lf_wrap.evaluation.judges.pairwise import Duel, pairwise_prompts, read_duel
from lf_wrap.evaluation.judges.pointwise import Scored, pointwise_prompts, read_scores
from lf_wrap.evaluation.judges.ranking import Ranked, rank
from lf_wrap.evaluation.judges.rubric import Rubric
from lf_wrap.evaluation.significance import sign_flip
from lf_wrap.files import shown
from lf_wrap.recipe import Judge

POINTWISE, PAIRWISE = "pointwise", "pairwise"
HOW = (POINTWISE, PAIRWISE)
TOKENS_OF_A_VERDICT = 40  # what the JSON that is asked for takes, for the estimate

Models = Mapping[str, Sequence[JudgedRow]]


@dataclass(frozen=True)
class Planned:
    """Everything that would be asked about some models' answers to the same rows."""

    judge: Judge
    rubric: Rubric
    models: Models
    pointwise: dict[str, list[Messages]]
    pairwise: dict[tuple[str, str], list[Messages]]

    @property
    def prompts(self) -> list[Messages]:
        return [prompt for some in (*self.pointwise.values(), *self.pairwise.values()) for prompt in some]

    def estimate(self, endpoint: Endpoint) -> Bill:
        """What asking would take, without asking."""
        return estimate(self.judge, endpoint, self.prompts, TOKENS_OF_A_VERDICT)

    def carry_out(self, endpoint: Endpoint, on_reply: Callable[[int], None] = lambda done: None) -> Judging:
        """Asks the judge everything.

        Raises:
            UserError: the endpoint refuses us, does not answer, or says not one thing that is a verdict.
        """
        replies = endpoint.ask_all(self.prompts, on_reply)
        given = iter(replies)
        scored = {
            model: [read_scores(self.rubric, next(given)) for _ in prompts] for model, prompts in self.pointwise.items()
        }
        duels = [read_duel(*pair, [next(given) for _ in prompts]) for pair, prompts in self.pairwise.items()]
        verdicts: list[object] = [one.scores for some in scored.values() for one in some]
        verdicts += [winner for duel in duels for winner in duel.winners]
        if verdicts and not any(verdicts):
            said = next((reply.text for reply in replies if reply.text is not None), "")
            raise UserError(
                f"not one verdict of {self.judge.model} can be read: it says {said[:200]!r}",
                where=shown(endpoint.cache),
                fix="take a judge that follows instructions; to ask this one again, delete that file",
            )
        return Judging(self.judge.model, self.rubric, self.models, scored, duels, bill(self.judge, replies))


@dataclass(frozen=True)
class Judging:
    """What the judge said."""

    judge: str
    rubric: Rubric
    models: Models
    scored: dict[str, list[Scored]]
    duels: list[Duel]
    bill: Bill

    def comparisons(self) -> dict[str, dict[str, Comparison]]:
        """Each model's pointwise scores against the first model's, by model and criterion. Scores are from 1 to 5."""
        if not self.scored:
            return {}
        first, *others = self.scored
        groups = [row.group or f"row {row.row}" for row in self.models[first]]
        return {
            other: {
                criterion: compare(
                    _column(self.scored[first], criterion), _column(self.scored[other], criterion), groups=groups
                )
                for criterion in self.rubric.criteria
            }
            for other in others
        }

    def ranking(self) -> list[Ranked]:
        return rank(self.duels) if self.duels else []

    def to_json(self) -> dict[str, Any]:
        """Everything that was found, for `--json` and the report."""
        compared = {
            other: {criterion: one.to_json() for criterion, one in found.items()}
            for other, found in self.comparisons().items()
        }
        return {
            "judge": self.judge,
            "rubric": {"name": self.rubric.name, "criteria": self.rubric.criteria},
            "models": list(self.models),
            "rows": len(next(iter(self.models.values()))),
            "pointwise": compared,
            "pairwise": [_told(duel, self.models[duel.first]) for duel in self.duels],
            "ranking": [dict(vars(one)) for one in self.ranking()],
            "unreadable": sum(one.unreadable for some in self.scored.values() for one in some)
            + sum(duel.unreadable for duel in self.duels),
            "bill": self.bill.to_json(),
        }


def plan(judge: Judge, rubric: Rubric, models: Models) -> Planned:
    """What is to be asked about the models' answers: every answer by itself, every pair of models in both orders.

    The rows are the same questions in the same order for every model; rows that any model failed to answer, and those
    beyond the judge's limit, are left out.
    """
    how = HOW if judge.how == "both" else (judge.how,)
    rows = list(zip(*models.values(), strict=True))
    answered = [row for row in rows if not any(one.failure for one in row)][: judge.limit]
    kept = {model: [row[place] for row in answered] for place, model in enumerate(models)}
    pointwise = {model: pointwise_prompts(rubric, kept[model]) for model in kept} if POINTWISE in how else {}
    pairs = list(combinations(kept, 2)) if PAIRWISE in how else []
    pairwise = {(one, other): pairwise_prompts(rubric, kept[one], kept[other]) for one, other in pairs}
    return Planned(judge, rubric, kept, pointwise, pairwise)


def _column(scored: Sequence[Scored], criterion: str) -> list[float]:
    """One criterion's scores; no number where the judge gave none."""
    return [one.scores[criterion] if one.scores else float("nan") for one in scored]


def _told(duel: Duel, rows: Sequence[JudgedRow]) -> dict[str, Any]:
    """A duel's outcome, with the p-value of its wins against its losses: the sign test, by groups of rows."""
    import numpy

    points: dict[str, float] = {}
    for winner, row in zip(duel.winners, rows, strict=True):
        won = {"first": -1.0, "second": 1.0}.get(winner or "tie", 0.0)
        group = row.group or f"row {row.row}"
        points[group] = points.get(group, 0.0) + won
    counts = duel.counts()
    return {
        "first": duel.first,
        "second": duel.second,
        "first_won": counts["first"],
        "second_won": counts["second"],
        "ties": counts["tie"],
        "flipped": duel.flipped,
        "failed": duel.failed,
        "unreadable": duel.unreadable,
        "p": sign_flip(numpy.array(list(points.values()) or [0.0])),
        "winners": duel.winners,
    }
