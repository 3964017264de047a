"""A medical report as JSON with six fields, like those of IMCS-V2-MRG."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lf_wrap.evaluation.tasks.similarity import rouge
from lf_wrap.evaluation.tasks.task import AnswerTask, Metric, Reply, Scored, Scores

FENCED = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
REPORT_FIELDS = ("主诉", "现病史", "辅助检查", "既往史", "诊断", "建议")


@dataclass(frozen=True)
class Report(AnswerTask):
    """Is it valid JSON, and which of the six fields are right. Invalid JSON has none right.

    Two doctors report one consultation in words of their own (IMCS-V2-MRG). An answer is held against the one report
    that it comes nearest to, as ROUGE does with several references (Lin 2004, §2.1): a mean over both could reach 100 %
    only where they agree, and a best of each field would reward a mixture that neither wrote.
    """

    name = "report"
    headline = "fields right"
    metrics = {
        "fields right": Metric(),
        "all fields right": Metric(counted=True),
        "field ROUGE-L": Metric(),
        "valid JSON": Metric(counted=True),
        **{field: Metric(counted=True) for field in REPORT_FIELDS},
    }

    def score(self, answer: str, reference: str) -> Scores:
        given, wanted = parsed_report(answer), parsed_report(reference) or {}
        right = {
            field: float(given is not None and _same(given.get(field), wanted.get(field))) for field in REPORT_FIELDS
        }
        return {
            "fields right": sum(right.values()) / len(right),
            "all fields right": min(right.values()),
            "field ROUGE-L": sum(_alike(given, wanted, field) for field in REPORT_FIELDS) / len(REPORT_FIELDS),
            "valid JSON": float(given is not None),
            **right,
        }

    def judge(self, reply: Reply, references: Sequence[str]) -> Scored:
        """Against the nearest reference; where none has more fields right, the one that is nearer in ROUGE-L."""
        judged = [Scored(self.score(reply.text, one)) for one in references]
        return max(judged, key=lambda one: (one.scores["fields right"], one.scores["field ROUGE-L"]))


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


def _alike(given: dict[str, Any] | None, wanted: dict[str, Any], field: str) -> float:
    """ROUGE-L of one field; a field that is empty on both sides is alike."""
    if given is None or given.get(field) is None:
        return 0.0
    said, reference = str(given[field]).strip(), str(wanted.get(field) or "").strip()
    return 1.0 if said == reference else rouge(said, reference)["ROUGE-L"]
