"""The answer is the reference, holds it, or says it where a pattern finds it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from lf_wrap.errors import UserError
from lf_wrap.evaluation.tasks.task import AnswerTask, Metric, Scores


@dataclass(frozen=True)
class Exact(AnswerTask):
    """The answer is the reference, letter by letter, blanks at the ends aside."""

    name = "exact"
    headline = "exact match"
    metrics = {"exact match": Metric(counted=True)}

    def score(self, answer: str, reference: str) -> Scores:
        return {"exact match": float(answer.strip() == reference.strip())}


@dataclass(frozen=True)
class Contains(AnswerTask):
    """The reference stands in the answer; where it lists several ways to say it (one a line), any of them does.

    Both sides are compared in Unicode's NFKC form and in lower case.
    """

    name = "contains"
    headline = "contained"
    metrics = {"contained": Metric(counted=True)}

    def score(self, answer: str, reference: str) -> Scores:
        ways = [plain(way) for way in reference.splitlines() if way.strip()]
        return {"contained": float(any(way in plain(answer) for way in ways))}


@dataclass(frozen=True)
class Regex(AnswerTask):
    """What `pattern` finds in the answer (its first group, or all of it) is the reference."""

    name = "regex"
    headline = "exact match"
    metrics = {"exact match": Metric(counted=True), "found": Metric(counted=True)}
    pattern: str = r"(?s)(.*)"

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise UserError(f"{self.pattern!r} is not a regular expression: {error}", fix="mend `pattern`") from None

    def score(self, answer: str, reference: str) -> Scores:
        found = re.search(self.pattern, answer)
        said = "" if found is None else (found.group(1) or "") if found.re.groups else found.group()
        right = found is not None and said.strip() == reference.strip()
        return {"exact match": float(right), "found": float(found is not None)}


def plain(text: str) -> str:
    """A text as it is compared when its way of writing does not count: NFKC, lower case, blanks run together."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())
