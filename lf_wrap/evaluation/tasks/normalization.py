"""A clinical term in its standard form; several standard terms are joined by `##`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lf_wrap.evaluation.tasks.exact import plain
from lf_wrap.evaluation.tasks.task import AnswerTask, Metric, Scores, Task

JOINS = "##"


@dataclass(frozen=True)
class Normalization(AnswerTask):
    """Exact, in any order, in Unicode's NFKC form, and whether what is said is a standard term at all.

    The legal terms are what the training rows answer; where none are known, nothing is said of it.
    """

    name = "normalization"
    headline = "exact match"
    metrics = {
        "exact match": Metric(counted=True),
        "same set": Metric(counted=True),
        "same set, NFKC": Metric(counted=True),
        "set F1": Metric(),
    }
    legal: frozenset[str] = field(default=frozenset(), repr=False)

    def __post_init__(self) -> None:
        if self.legal:
            object.__setattr__(self, "metrics", {**self.metrics, "legal terms": Metric()})

    def trained_on(self, references: Iterable[str]) -> Task:
        return replace(self, legal=frozenset(term for reference in references for term in terms(plain(reference))))

    def score(self, answer: str, reference: str) -> Scores:
        said, wanted = terms(answer), terms(reference)
        said_plainly, wanted_plainly = terms(plain(answer)), terms(plain(reference))
        shared = len(said_plainly & wanted_plainly)
        scores = {
            "exact match": float(answer.strip() == reference.strip()),
            "same set": float(said == wanted),
            "same set, NFKC": float(said_plainly == wanted_plainly),
            "set F1": 2 * shared / (len(said_plainly) + len(wanted_plainly)) if shared else 0.0,
        }
        if self.legal:
            scores["legal terms"] = len(said_plainly & self.legal) / len(said_plainly) if said_plainly else 0.0
        return scores


def terms(text: str) -> frozenset[str]:
    """The terms of an answer, blanks at their ends aside."""
    return frozenset(term.strip() for term in text.split(JOINS) if term.strip())
