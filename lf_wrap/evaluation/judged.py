"""What was asked, what was answered and how it was judged: in memory, and as files in a run's `evaluation/`.

`sets.json` describes the question sets; `base.<set>.jsonl` and `tuned.<set>.jsonl` hold one judged row a line, in the
same order, so that line n of both is the same question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from lf_wrap.conversation import spoken
from lf_wrap.errors import UserError
from lf_wrap.evaluation.paraphrase import Paraphrase
from lf_wrap.evaluation.questions import Messages, Question
from lf_wrap.evaluation.tasks import Metric, Reply, Scored, Scores, Task, task_named
from lf_wrap.files import shown, write_text

Kind = Literal["test", "probe", "choice", "paraphrase", "memorisation"]


@dataclass(frozen=True)
class QuestionSet:
    """Questions that are judged together by one task."""

    name: str
    kind: Kind
    task: Task
    questions: list[Question]
    max_new_tokens: int | None = None
    """Room for an answer; by the references when None."""
    of: str | None = None
    """The set whose questions these are in other words."""


@dataclass(frozen=True)
class JudgedRow:
    """One model's answer to one question, and what it scored. A `failure` has no scores."""

    row: int
    messages: Messages
    references: tuple[str, ...]
    answer: str
    scores: Scores
    counts: Scores
    failure: str | None = None
    truncated: bool = False
    group: str = ""

    @property
    def reference(self) -> str:
        return self.references[0]


@dataclass(frozen=True)
class JudgedSet:
    """One question set as both models answered it. `base` is empty where only one model was asked."""

    name: str
    kind: Kind
    task: str
    headline: str
    metrics: Mapping[str, Metric]
    base: list[JudgedRow]
    tuned: list[JudgedRow]

    @property
    def pairs(self) -> list[tuple[JudgedRow, JudgedRow]]:
        """The rows that both models answered: only these can be compared."""
        both = zip(self.base, self.tuned, strict=True)
        return [(before, after) for before, after in both if not (before.failure or after.failure)]

    @property
    def failures(self) -> dict[str, int]:
        """Rows without an answer, by model. They are in no score and must be told with them."""
        return {name: sum(row.failure is not None for row in getattr(self, name)) for name in ("base", "tuned")}

    def of_sums(self, sums: Mapping[str, Any]) -> dict[str, Any]:
        """The corpus metrics from the sums of the rows' `counts`: see `Task.of_sums`."""
        return task_named(self.task).of_sums(sums)

    def means(self, rows: Sequence[JudgedRow]) -> Scores:
        """Every metric over one model's rows, those without an answer left out."""
        answered = [row for row in rows if not row.failure]
        sums: dict[str, float] = {}
        for row in answered:
            for name, count in row.counts.items():
                sums[name] = sums.get(name, 0.0) + count
        corpus = self.of_sums(sums) if sums else {}
        found = {}
        for name in self.metrics:
            values = [row.scores[name] for row in answered if name in row.scores]
            if values or name in corpus:
                found[name] = float(corpus[name]) if name in corpus else fmean(values)
        return found


def judge(asked: QuestionSet, replies: Sequence[Reply], said: Mapping[int, JudgedRow] | None = None) -> list[JudgedRow]:
    """Every question of `asked` with its reply, judged. Rewordings are held against what was `said` before, by row."""
    rows = []
    for question, reply in zip(asked.questions, replies, strict=True):
        task, failure = asked.task, reply.failure
        if isinstance(task, Paraphrase) and said is not None:
            before = said[question.row]
            task = replace(task, said=before.answer)
            failure = failure or (before.failure and f"in its own words: {before.failure}")
        scored = Scored() if failure else _judged(task, reply, question.references)
        rows.append(
            JudgedRow(
                question.row,
                question.messages,
                question.references,
                reply.text,
                scored.scores,
                scored.counts,
                failure,
                reply.truncated,
                question.group,
            )
        )
    return rows


def _judged(task: Task, reply: Reply, references: Sequence[str]) -> Scored:
    """Answers are held against answers: what was thought before them is no part of either."""
    if task.asks != "answer":
        return task.judge(reply, references)
    return task.judge(replace(reply, text=spoken(reply.text)), [spoken(reference) for reference in references])


def rows_file(folder: Path, model: str, set_name: str) -> Path:
    """Where the rows of one model and one set lie."""
    return folder / f"{model}.{set_name}.jsonl"


def write_rows(path: Path, rows: Sequence[JudgedRow]) -> None:
    """Writes judged rows, one a line."""
    write_text(path, "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows))


def write_sets(folder: Path, tests: Sequence[QuestionSet]) -> None:
    """Writes `sets.json`: what each set is and how its metrics are read."""
    told = {test.name: _told(test.kind, test.task.name, test.task.headline, test.task.metrics) for test in tests}
    write_text(folder / "sets.json", json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def add_set(folder: Path, name: str, *, kind: Kind, task: str, headline: str, metrics: Mapping[str, Metric]) -> None:
    """Adds a set to a `sets.json` that is there: one whose metrics were not known before it was asked."""
    path = folder / "sets.json"
    told = json.loads(path.read_text(encoding="utf-8")) | {name: _told(kind, task, headline, metrics)}
    write_text(path, json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def _told(kind: Kind, task: str, headline: str, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    shown_as = {name: metric.to_json() for name, metric in metrics.items()}
    return {"kind": kind, "task": task, "headline": headline, "metrics": shown_as}


def read_judged(folder: Path) -> list[JudgedSet]:
    """Everything that an evaluation left in `folder`, in its order; nothing where nothing was asked.

    Raises:
        UserError: a file is missing or broken.
    """
    path = folder / "sets.json"
    try:
        sets = json.loads(path.read_text(encoding="utf-8"))
        return [
            JudgedSet(
                name,
                told["kind"],
                told["task"],
                told["headline"],
                {metric: Metric(**how) for metric, how in told["metrics"].items()},
                read_rows(rows_file(folder, "base", name)) if rows_file(folder, "base", name).exists() else [],
                read_rows(rows_file(folder, "tuned", name)),
            )
            for name, told in sets.items()
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{shown(folder)} holds no whole evaluation: {error}", fix="run the evaluation again: --from evaluate"
        ) from None


def read_rows(path: Path) -> list[JudgedRow]:
    """The judged rows in a file that `write_rows` wrote."""
    with path.open("rb") as lines:  # lines end at \n alone: a text may hold the others that `splitlines` knows
        rows = map(json.loads, lines)
        return [JudgedRow(**{**row, "references": tuple(row["references"])}) for row in rows]
