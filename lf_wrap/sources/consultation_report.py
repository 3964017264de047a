"""IMCS-V2-MRG: a consultation, and the report a doctor wrote of it."""

from __future__ import annotations

import json

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class ConsultationReport(Source):
    name = "consultation_report"
    shape = "JSON dict by id: dialogue [{speaker, sentence}], report [{主诉, 现病史, 辅助检查, 既往史, 诊断, 建议}, …]"
    medical = True
    columns = ("dialogue", "report")
    prompt_fields = ("dialog",)
    task = "report"

    def convert(self, row: Row) -> Conversation | Reject:
        dialogue, reports = row["dialogue"], row["report"]
        if not isinstance(dialogue, list) or not all(isinstance(line, dict) for line in dialogue):
            return Reject(NOT_THIS_SHAPE, "dialogue is not a list of {speaker, sentence}")
        report = reports[0] if isinstance(reports, list) and reports else reports
        if not isinstance(report, dict) or not any(map(text, report.values())):
            return Reject(NO_ANSWER, "report is empty")
        lines = [f"{text(line.get('speaker'))}:{text(line.get('sentence'))}" for line in dialogue]
        if not lines:
            return Reject(NO_QUESTION, "dialogue is empty")
        dialog, answer = "\n".join(lines), json.dumps(report, ensure_ascii=False, indent=2)
        return Conversation.single(self.ask(dialog=dialog), answer, asked=dialog)
