"""Each answer by itself, scored on every criterion of the rubric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lf_wrap.evaluation.judged import JudgedRow
from lf_wrap.evaluation.judges.endpoint import Messages, Reply
from lf_wrap.evaluation.judges.rubric import HIGHEST, LOWEST, Rubric, prompt, verdict_in

Scores = dict[str, float]


@dataclass(frozen=True)
class Scored:
    """One answer's scores from 1 to 5 by criterion; None where the judge failed or its verdict could not be read."""

    scores: Scores | None
    unreadable: bool = False


def pointwise_prompts(rubric: Rubric, rows: Sequence[JudgedRow]) -> list[Messages]:
    """One prompt an answered row."""
    return [prompt("pointwise", rubric, row, answer=row.answer) for row in rows]


def read_scores(rubric: Rubric, reply: Reply) -> Scored:
    """The scores in a reply: all criteria must be there as whole numbers from 1 to 5, or none counts."""
    if reply.text is None:
        return Scored(None)
    said = verdict_in(reply.text) or {}
    scores = {name: said.get(name) for name in rubric.criteria}
    if not all(type(score) is int and LOWEST <= score <= HIGHEST for score in scores.values()):
        return Scored(None, unreadable=True)
    return Scored({name: float(score) for name, score in scores.items() if score is not None})
