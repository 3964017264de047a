"""A free answer, held against the one in the data by what they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from lf_wrap.evaluation.tasks.task import AnswerTask, Metric, Scores


@dataclass(frozen=True)
class Open(AnswerTask):
    """chrF, the overlap of character n-grams (Popović 2015, as sacrebleu computes it by default)."""

    name = "open"
    headline = "chrF"
    metrics = {"chrF": Metric(), "exact match": Metric(counted=True)}

    def score(self, answer: str, reference: str) -> Scores:
        return {
            "chrF": _chrf().sentence_score(answer, [reference]).score / 100,
            "exact match": float(answer.strip() == reference.strip()),
        }


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
