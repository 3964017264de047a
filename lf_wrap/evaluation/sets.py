"""The question sets that a recipe asks for: test rows, and what shows forgetting, brittleness and reciting."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lf_wrap.dataset import conversations, registered
from lf_wrap.errors import UserError
from lf_wrap.evaluation.choice import Choice, choice_questions
from lf_wrap.evaluation.harness import set_name
from lf_wrap.evaluation.judged import QuestionSet
from lf_wrap.evaluation.paraphrase import Paraphrase, reworded
from lf_wrap.evaluation.probes import probe_questions
from lf_wrap.evaluation.questions import Question, questions, task_of
from lf_wrap.evaluation.tasks import AnswerTask, Task, task_named
from lf_wrap.recipe import Evaluate

PROBE_ROOM = 64  # new tokens: the answers are a word or two, and a model may say them in a sentence
SEED = 42


def question_sets(how: Evaluate, folder: Path) -> list[QuestionSet]:
    """Everything the base and the tuned model are asked about datasets in `folder`, LLaMA-Factory's dataset_dir.

    Raises:
        UserError: a dataset, a task or a file is unknown, or has nothing to ask.
    """
    sets: list[QuestionSet] = []
    for name in how.test:
        sets += _of_dataset(how, folder, name)
    for probe in how.probes:
        contains = task_named("contains")
        asked = probe_questions(probe)[: how.limit]
        sets.append(QuestionSet(Path(probe).stem, "probe", contains, asked, PROBE_ROOM))
    for path in how.choice:
        sets.append(QuestionSet(Path(path).stem, "choice", Choice(), choice_questions(Path(path))[: how.limit]))
    names = [*(one.name for one in sets), *map(set_name, how.harness)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"two question sets are called {twice!r}", fix="name each once; rename a file")
    return sets


def _of_dataset(how: Evaluate, folder: Path, name: str) -> list[QuestionSet]:
    """The test rows of dataset `name`, and what else is asked of it."""
    test = f"{name}_test" if f"{name}_test" in registered(folder) else name
    asked = questions(folder, test, how.limit)
    task = _task(how.tasks.get(name), folder, name)
    if test != name:
        task = task.trained_on(_answers(folder, name))
    sets = [QuestionSet(name, "test", task, asked, how.max_new_tokens)]
    if how.perplexity and task.asks == "answer":
        sets.append(QuestionSet(f"{name}.perplexity", "test", task_named("perplexity"), asked))
    if how.paraphrase:
        sets.append(_reworded(task, name, asked, how))
    if how.memorisation and test != name:
        seen = _sample(questions(folder, name), how.memorisation)
        sets.append(QuestionSet(f"{name}.train", "memorisation", task, seen, how.max_new_tokens))
    return sets


def _reworded(task: Task, name: str, asked: list[Question], how: Evaluate) -> QuestionSet:
    if not isinstance(task, AnswerTask):
        raise UserError(f"the task {task.name} has no answers to hold against each other", fix="leave out `paraphrase`")
    rows = reworded(asked, str(how.paraphrase))
    return QuestionSet(f"{name}.reworded", "paraphrase", Paraphrase(inner=task), rows, how.max_new_tokens, of=name)


def _task(wish: str | dict[str, Any] | None, folder: Path, name: str) -> Task:
    """The task that the recipe wishes for dataset `name`, or else the one on its card."""
    switches = dict(wish) if isinstance(wish, dict) else {"task": wish or task_of(folder, name)}
    if "task" not in switches:
        raise UserError(f"evaluate.tasks: {name} names no task", fix="for example {task: regex, pattern: '[A-D]'}")
    return task_named(switches.pop("task"), **switches)


def _answers(folder: Path, name: str) -> Iterator[str]:
    return (row.answer for row in conversations(folder, name))


def _sample(rows: list[Question], count: int) -> list[Question]:
    drawn = random.Random(SEED).sample(rows, min(count, len(rows)))  # noqa: S311  (a sample, no secret)
    return sorted(drawn, key=lambda question: question.row)
