"""The same question in other words: how often a model then says the same, and how often the right thing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.evaluation.questions import Question
from lf_wrap.evaluation.tasks import AnswerTask, Metric, Scores
from lf_wrap.evaluation.tasks.exact import plain
from lf_wrap.files import existing_file, shown

PLACE = "{question}"
CHINESE = range(0x4E00, 0xA000)


@dataclass(frozen=True)
class Paraphrase(AnswerTask):
    """`holds`: by the task's own headline metric, the answer is what the model said to the question as it stands.

    The headline metric itself is told too, against the reference.
    """

    name = "paraphrase"
    headline = "holds"
    metrics = {"holds": Metric()}
    inner: AnswerTask = field(kw_only=True)
    said: str = ""
    """What the model answered to the question as it stands."""

    def __post_init__(self) -> None:
        inner = self.inner.metrics[self.inner.headline]
        object.__setattr__(self, "metrics", {"holds": Metric(counted=inner.counted), self.inner.headline: inner})

    def score(self, answer: str, reference: str) -> Scores:
        same = plain(answer) == plain(self.said)
        alike = 1.0 if same else self.inner.score(answer, self.said)[self.inner.headline]
        return {"holds": alike, self.inner.headline: self.inner.score(answer, reference)[self.inner.headline]}


def reworded(questions: Sequence[Question], source: str) -> list[Question]:
    """Every question in other words; those that `source` knows no other words for are left out.

    `source` is `general` (lfw's own templates), a text file of templates, one a line, with {question} where the
    question stands, or a JSONL file of `{"question": …, "rewordings": […]}`, whose question is a row's last message.

    Raises:
        UserError: the file is of neither shape, or rewords no question.
    """
    if source.endswith(".jsonl"):
        known = _rewordings(existing_file(Path(source)))
        found = [(one, known.get(_asked(one), [])) for one in questions]
    else:
        found = [
            (one, [line.replace(PLACE, _asked(one)) for line in _templates(source, _asked(one))]) for one in questions
        ]
    made = [_in_words(one, words) for one, ways in found for words in ways if words != _asked(one)]
    if not made:
        raise UserError(
            f"{source} has other words for none of the questions", fix="its questions must be the rows' last messages"
        )
    return made


def _asked(question: Question) -> str:
    return question.messages[-1]["content"]


def _in_words(question: Question, words: str) -> Question:
    messages = [*question.messages[:-1], {"role": "user", "content": words}]
    return replace(question, messages=messages, group=question.group or f"row {question.row}")


def _templates(source: str, asked: str) -> list[str]:
    if source == "general":
        language = "zh" if any(ord(letter) in CHINESE for letter in asked) else "en"
        text = files("lf_wrap.evaluation.probes").joinpath(f"rewordings_{language}.txt").read_text(encoding="utf-8")
    else:
        text = existing_file(Path(source)).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if without := next((line for line in lines if PLACE not in line), None):
        raise UserError(f"{without!r} is no template", where=source, fix=f"write {PLACE} where the question stands")
    return lines


def _rewordings(path: Path) -> dict[str, list[str]]:
    known = {}
    for row, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            known[str(told["question"])] = [str(words) for words in told["rewordings"]]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{shown(path)} is no file of rewordings: {error!r}",
                where=f"line {row}",
                fix='a line looks like {"question": "…", "rewordings": ["…"]}',
            ) from None
    return known
