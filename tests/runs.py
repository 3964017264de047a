"""Run folders as an evaluation leaves them, without the hours it takes to make one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.evaluation import Kind, Question, QuestionSet, judge, rows_file, task_named, write_sets
from lf_wrap.evaluation.judged import write_rows
from lf_wrap.evaluation.tasks import Reply

Answers = Sequence[str]


def question_set(
    name: str, references: Answers, task: str = "exact", kind: Kind = "test", question: str = "question {}?"
) -> QuestionSet:
    """One question a reference; `question` is what it asks, with its number."""
    asked = [
        Question(number, [{"role": "user", "content": question.format(number)}], (reference,))
        for number, reference in enumerate(references, 1)
    ]
    return QuestionSet(name, kind, task_named(task), asked)


def evaluated_run(
    folder: Path, sets: Sequence[QuestionSet], answers: Mapping[str, Mapping[str, Answers]], **recipe: Any
) -> Path:
    """A run folder with a recipe and judged answers: `answers["base"]["med"]` are the base's to the set `med`."""
    (folder / "evaluation").mkdir(parents=True)
    told = {"name": "mine", "model": "org/model", **recipe}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    write_sets(folder / "evaluation", sets)
    for model, by_set in answers.items():
        for one in sets:
            replies = [Reply(answer) for answer in by_set[one.name]]
            write_rows(rows_file(folder / "evaluation", model, one.name), judge(one, replies))
    return folder
