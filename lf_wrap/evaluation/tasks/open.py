"""A free answer (dialogue, advice), held against the one in the data by what they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lf_wrap.evaluation.tasks.bertscore import bertscore
from lf_wrap.evaluation.tasks.similarity import bleu4, chrf, distinct, meteor, repetition, rouge
from lf_wrap.evaluation.tasks.task import AnswerTask, Metric, Scores

LONGEST_RATIO = 100.0


@dataclass(frozen=True)
class Open(AnswerTask):
    """Overlap with the reference in the measures of the field, and how the answer reads by itself.

    `bertscore` names a local folder with a model like bert-base-chinese; BERTScore is then among the metrics.
    """

    name = "open"
    headline = "chrF"
    metrics = {
        "chrF": Metric(),
        "BLEU-4": Metric(),
        "ROUGE-1": Metric(),
        "ROUGE-2": Metric(),
        "ROUGE-L": Metric(),
        "METEOR": Metric(),
        "distinct-1": Metric(),
        "distinct-2": Metric(),
        "repetition": Metric(higher_is_better=False),
        "length ratio": Metric(higher_is_better=None, unit=""),
        "exact match": Metric(counted=True),
    }
    bertscore: str | None = None

    def __post_init__(self) -> None:
        if self.bertscore:
            object.__setattr__(self, "metrics", {**self.metrics, "BERTScore": Metric()})

    def score(self, answer: str, reference: str) -> Scores:
        scores = {
            "chrF": chrf(answer, reference),
            "BLEU-4": bleu4(answer, reference),
            **rouge(answer, reference),
            "METEOR": meteor(answer, reference),
            "distinct-1": distinct(answer, 1),
            "distinct-2": distinct(answer, 2),
            "repetition": repetition(answer),
            "length ratio": min(LONGEST_RATIO, len(answer) / max(1, len(reference))),
            "exact match": float(answer.strip() == reference.strip()),
        }
        return scores | ({"BERTScore": bertscore(answer, reference, Path(self.bertscore))} if self.bertscore else {})
