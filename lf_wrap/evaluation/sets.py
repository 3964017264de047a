"""The question sets that a recipe asks for: its datasets' test rows, each with its task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lf_wrap.evaluation.judged import QuestionSet
from lf_wrap.evaluation.questions import questions, task_of
from lf_wrap.evaluation.tasks import Task, task_named
from lf_wrap.recipe import Recipe, test_name


def question_sets(recipe: Recipe) -> list[QuestionSet]:
    """Everything the base and the tuned model are asked.

    Raises:
        UserError: a dataset or a task is unknown, or a dataset has nothing to ask.
    """
    how, folder = recipe.evaluate, Path(recipe.data.dataset_dir)
    return [
        QuestionSet(
            name,
            "test",
            _task(how.tasks.get(name), folder, name),
            questions(folder, test_name(recipe, name), how.limit),
            how.max_new_tokens,
        )
        for name in how.test
    ]


def _task(wish: str | dict[str, Any] | None, folder: Path, name: str) -> Task:
    """The task that the recipe wishes for dataset `name`, or else the one on its card."""
    switches = dict(wish) if isinstance(wish, dict) else {"task": wish or task_of(folder, name)}
    return task_named(switches.pop("task"), **switches)
