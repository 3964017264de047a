"""How answers are scored. A task turns (answer, reference) into numbers between 0 and 1 where more is better."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from functools import cache
from typing import Any, ClassVar

from lf_wrap.errors import UserError, did_you_mean

Scores = dict[str, float]
FENCED = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
REPORT_FIELDS = ("主诉", "现病史", "辅助检查", "既往史", "诊断", "建议")


class Task(ABC):
    """One way to score; `counted` metrics are yes-or-no, so that the report can show them as counts."""

    name: ClassVar[str]
    headline: ClassVar[str]
    """The metric that decides whether the model got better."""
    counted: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def score(self, answer: str, reference: str) -> Scores:
        """Every metric of one answer; the same keys for every answer."""


class Exact(Task):
    """The answer is the reference, letter by letter, blanks at the ends aside."""

    name = "exact"
    headline = "exact match"
    counted = frozenset({"exact match"})

    def score(self, answer: str, reference: str) -> Scores:
        return {"exact match": float(answer.strip() == reference.strip())}


class Report(Task):
    """A report as JSON: is it valid, and which of the six fields are right. Invalid JSON has none right."""

    name = "report"
    headline = "fields right"
    counted = frozenset({"valid JSON"})

    def score(self, answer: str, reference: str) -> Scores:
        given, wanted = parsed_report(answer), parsed_report(reference) or {}
        right = {
            field: float(given is not None and _same(given.get(field), wanted.get(field))) for field in REPORT_FIELDS
        }
        return {"fields right": sum(right.values()) / len(right), "valid JSON": float(given is not None), **right}


class Open(Task):
    """A free answer: chrF, the overlap of character n-grams (Popović 2015, as sacrebleu computes it by default)."""

    name = "open"
    headline = "chrF"

    def score(self, answer: str, reference: str) -> Scores:
        return {
            "chrF": _chrf().sentence_score(answer, [reference]).score / 100,
            "exact match": float(answer.strip() == reference.strip()),
        }


TASKS: dict[str, Task] = {task.name: task for task in (Exact(), Report(), Open())}


def task_named(name: str) -> Task:
    """The task called `name`.

    Raises:
        UserError: there is none.
    """
    if name not in TASKS:
        raise UserError(f"there is no task {name!r}", fix=did_you_mean(name, TASKS))
    return TASKS[name]


def parsed_report(answer: str) -> dict[str, Any] | None:
    """The JSON object in an answer, with or without a ```json fence around it; None when there is none."""
    fenced = FENCED.search(answer)
    try:
        value = json.loads(fenced.group(1) if fenced else answer)
    except (ValueError, RecursionError):  # the second where a model is stuck on [
        return None
    return value if isinstance(value, dict) else None


def _same(given: Any, wanted: Any) -> bool:
    return given is not None and str(given).strip() == str(wanted or "").strip()


@cache
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
