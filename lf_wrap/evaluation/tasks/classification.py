"""One label of a few: accuracy, and precision, recall and F1 over all rows together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lf_wrap.evaluation.tasks.exact import plain
from lf_wrap.evaluation.tasks.task import AnswerTask, Metric, Scores

JOINS = " → "


@dataclass(frozen=True)
class Classification(AnswerTask):
    """The answer is the label, in Unicode's NFKC form and lower case; a full stop behind it is not minded.

    Precision, recall and F1 are means over the labels that the references hold (macro, as scikit-learn computes it for
    these labels), 0 where a label is never said. `counts` are the cells of the confusion matrix.
    """

    name = "classification"
    headline = "accuracy"
    metrics = {
        "accuracy": Metric(counted=True),
        "precision": Metric(corpus=True),
        "recall": Metric(corpus=True),
        "F1": Metric(corpus=True),
    }

    def score(self, answer: str, reference: str) -> Scores:
        return {"accuracy": float(label(answer) == label(reference))}

    def counts(self, answer: str, reference: str) -> Scores:
        return {f"{label(reference)}{JOINS}{label(answer)}": 1.0}

    def of_sums(self, sums: Mapping[str, Any]) -> dict[str, Any]:
        import numpy

        cells = {tuple(cell.split(JOINS, 1)): numpy.asarray(count, dtype=float) for cell, count in sums.items()}
        labels = sorted({wanted for wanted, _ in cells})
        present: Any = 0.0
        totals: dict[str, Any] = {"precision": 0.0, "recall": 0.0, "F1": 0.0}
        for one in labels:
            right = cells.get((one, one), 0.0) + numpy.zeros(1)
            wanted = sum(count for (true, _), count in cells.items() if true == one) + numpy.zeros(1)
            said = sum((count for (_, guess), count in cells.items() if guess == one), numpy.zeros(1))
            present = present + (wanted > 0)
            for name, part in (("precision", said), ("recall", wanted), ("F1", (said + wanted) / 2)):
                share = numpy.divide(right, part, out=numpy.zeros_like(right * part), where=part > 0)
                totals[name] = totals[name] + share * (wanted > 0)
        shape = numpy.shape(next(iter(cells.values())))
        return {name: (total / numpy.maximum(present, 1)).reshape(shape) for name, total in totals.items()}


def label(text: str) -> str:
    """A label as it is compared. The arrow of the confusion matrix cannot stand in one."""
    return plain(text).rstrip("。.").strip().replace(JOINS.strip(), "->")
