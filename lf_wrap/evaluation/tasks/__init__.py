"""How answers are judged: one file a task. A dataset's card names its task; a recipe may name another."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.evaluation.tasks.classification import Classification
from lf_wrap.evaluation.tasks.exact import Contains, Exact, Regex
from lf_wrap.evaluation.tasks.normalization import Normalization
from lf_wrap.evaluation.tasks.open import Open
from lf_wrap.evaluation.tasks.perplexity import Perplexity
from lf_wrap.evaluation.tasks.plugins import plugin_tasks
from lf_wrap.evaluation.tasks.report import Report
from lf_wrap.evaluation.tasks.roleplay import Roleplay
from lf_wrap.evaluation.tasks.task import AnswerTask, Metric, Reply, Scored, Scores, Task

TASKS: tuple[type[Task], ...] = (
    Exact,
    Contains,
    Regex,
    Normalization,
    Classification,
    Report,
    Open,
    Roleplay,
    Perplexity,
)

__all__ = ["TASKS", "AnswerTask", "Metric", "Reply", "Scored", "Scores", "Task", "all_tasks", "task_named"]


def all_tasks() -> dict[str, type[Task]]:
    """Every task by name, those of plugins included."""
    return {task.name: task for task in (*TASKS, *plugin_tasks())}


def task_named(name: str, **switches: Any) -> Task:
    """The task called `name`, with its switches set.

    Raises:
        UserError: there is no such task, or it has no such switch.
    """
    known = all_tasks()
    if name not in known:
        raise UserError(f"there is no task {name!r}", fix=did_you_mean(name, known))
    task: Any = known[name]
    own = {field.name for field in fields(task)} if switches else set()
    for switch in switches.keys() - own:
        fix = did_you_mean(switch, own) if own else "leave it out"
        raise UserError(f"the task {name} has no switch {switch!r}", fix=fix)
    made: Task = task(**switches)
    return made
