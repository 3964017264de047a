"""IMCS-V2-MRG: a consultation, and the reports that doctors wrote of it: two in most rows."""

from __future__ import annotations

import json
from typing import Any

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class ConsultationReport(Source):
    name = "consultation_report"
    shape = "JSON dict by id: dialogue [{speaker, sentence}], report [{主诉, 现病史, 辅助检查, 既往史, 诊断, 建议}, …]"
    medical = True
    columns = ("dialogue", "report")
    prompt_fields = ("dialog",)
    several_answers = True
    task = "report"

    def convert(self, row: Row) -> Conversation | Reject:
        """The first report is the answer (what is trained, as in the tutorial), the others are further references."""
        dialogue, reports = row["dialogue"], _reports(row["report"])
        if not isinstance(dialogue, list) or not all(isinstance(line, dict) for line in dialogue):
            return Reject(NOT_THIS_SHAPE, "dialogue is not a list of {speaker, sentence}")
        if not reports:
            return Reject(NO_ANSWER, "report is empty")
        lines = [f"{text(line.get('speaker'))}:{text(line.get('sentence'))}" for line in dialogue]
        if not lines:
            return Reject(NO_QUESTION, "dialogue is empty")
        dialog = "\n".join(lines)
        answer, *others = dict.fromkeys(json.dumps(report, ensure_ascii=False, indent=2) for report in reports)
        return Conversation.single(self.ask(dialog=dialog), answer, asked=dialog)._replace(others=tuple(others))


def _reports(value: Any) -> list[dict[str, Any]]:
    """The reports with something in them. Where the first is empty the second is the answer."""
    reports = value if isinstance(value, list) else [value]
    return [report for report in reports if isinstance(report, dict) and any(map(text, report.values()))]
