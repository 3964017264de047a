"""lm-evaluation-harness (extra `harness`) asks its own tasks; what it scored becomes rows, paired as all others are.

Its tasks come from the hub where they name a dataset there. A YAML file in its format (`dataset_path: csv`) stays on
this machine; C-Eval, CMMLU and MMLU as CSV need no harness at all: see `choice`.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from importlib.util import find_spec
from math import isnan
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.engines import CACHE, Engine
from lf_wrap.evaluation.judged import JudgedRow, add_set, rows_file, write_rows
from lf_wrap.evaluation.tasks import Metric

ROWS_AT_ONCE = 8
REPLIES = CACHE.parent / ".harness"
"""Where the harness keeps what models replied, a file of its own for each: the same is not asked again."""


def set_name(task: str) -> str:
    """What a task's question set is called; in a YAML file, `task:` must say the same."""
    return Path(task).stem if _is_file(task) else task


def refuse_harness(tasks: Sequence[str], engine: str) -> None:
    """Raises what would go wrong with these tasks only after the other questions have been asked.

    Raises:
        UserError: lm-eval is not installed, knows no such task, or cannot ask this engine.
    """
    if not tasks:
        return
    if find_spec("lm_eval") is None:
        raise UserError("lm-evaluation-harness is not installed", fix="pip install 'lf_wrap[harness]'")
    if engine != "transformers":
        raise UserError(f"lm-evaluation-harness is not asked through {engine}", fix="use --engine transformers")
    for task in tasks:
        if not _is_file(task) and not _manager(task).match_tasks([task]):
            fix = "`lm-eval ls tasks` lists them; or name a YAML file of your own"
            raise UserError(f"lm-evaluation-harness has no task {task!r}", fix=fix)


def harness_rows(
    engine: Engine, tasks: Sequence[str], limit: int | None, rows_at_once: int | None, kept: Path = REPLIES
) -> HarnessRows:
    """Each task's questions as the harness asked and scored them, by the task's name.

    Of a group of tasks (ceval-valid, mmlu) all are one set. `limit` is of each task in it. What the model
    replied is `kept`: the harness knows a request by its whole text, so that changed data are asked anew.

    Raises:
        UserError: the harness could not ask, scores no single questions of a task, or the model answers none.
    """
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns of a model that is loaded already
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    local: Any = engine
    model = HFLM(pretrained=local.model, tokenizer=local.tokenizer, batch_size=rows_at_once or ROWS_AT_ONCE)
    kept.mkdir(parents=True, exist_ok=True)
    replies = kept / hashlib.sha256(engine.identity.encode()).hexdigest()[:32]
    found: HarnessRows = {}
    for task in tasks:
        name = set_name(task)
        try:
            with redirect_stdout(sys.stderr):  # stdout is ours
                told = simple_evaluate(
                    model=model,
                    tasks=[name],
                    limit=limit,
                    task_manager=_manager(task),
                    bootstrap_iters=0,
                    log_samples=True,
                    use_cache=str(replies),
                )
        except Exception as error:  # its tasks load data and code of all kinds
            raise UserError(
                f"lm-evaluation-harness could not ask {task}: {error!r:.500}",
                fix="a task of the hub needs the hub once; C-Eval, CMMLU and MMLU as local CSV: --choice",
            ) from error
        better = {metric: up for of_task in told["higher_is_better"].values() for metric, up in of_task.items()}
        samples = [one for of_task in told["samples"].values() for one in _of_first_filter(of_task)]
        metrics = [
            name for name in better if samples and all(isinstance(one.get(name), int | float) for one in samples)
        ]
        if not metrics:
            raise UserError(f"{task} scores no single questions", fix="take a task with acc or exact_match")
        rows = [_row(n, one, metrics) for n, one in enumerate(samples, 1)]
        if all(row.failure for row in rows):
            raise UserError(f"none of the {len(rows):,} questions of {task} has an answer: {rows[0].failure}")
        found[name] = {metric: better[metric] for metric in metrics}, rows
    return found


def write_harness(folder: Path, asked: Mapping[str, HarnessRows]) -> None:
    """Writes what `harness_rows` found of each model (`base`, `tuned`) beside the other sets in `folder`."""
    for name, (better, _) in next(iter(asked.values()), {}).items():
        for called, found in asked.items():
            write_rows(rows_file(folder, called, name), found[name][1])
        values = {
            metric: [row.scores[metric] for found in asked.values() for row in found[name][1] if not row.failure]
            for metric in better
        }
        metrics = {
            metric: Metric(
                higher_is_better=better[metric],
                counted=set(scores) <= {0.0, 1.0},
                unit="%" if min(scores) >= 0 and max(scores) <= 1 else "",
            )
            for metric, scores in values.items()
        }
        add_set(folder, name, kind="choice", task="harness", headline=next(iter(metrics)), metrics=metrics)


HarnessRows = dict[str, tuple[dict[str, bool | None], list[JudgedRow]]]


def _manager(task: str) -> Any:
    """What finds `task`. To look through all that the harness brings takes it some ten seconds: once is enough."""
    if not _is_file(task):
        return _bundled()
    from lm_eval.tasks import TaskManager

    file = Path(task)
    group = "group:" in file.read_text(encoding="utf-8")  # may name bundled tasks
    return TaskManager(include_path=str(file.parent), include_defaults=group)


@cache
def _bundled() -> Any:
    from lm_eval.tasks import TaskManager

    return TaskManager()


def _is_file(task: str) -> bool:
    return task.endswith((".yaml", ".yml")) and Path(task).is_file()


def _of_first_filter(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A task with several ways to find the answer in what was said scores every question once for each."""
    return [one for one in samples if one["filter"] == samples[0]["filter"]]


def _row(number: int, sample: Mapping[str, Any], metrics: Sequence[str]) -> JudgedRow:
    arguments, target = sample["arguments"], sample["target"]
    messages = [{"role": "user", "content": str(arguments[0][0])}]
    said = sample["filtered_resps"]
    if any(isnan(likely) for likely in _likelihoods(said)):  # the harness scores it as if it were an answer
        failure = "the model's logits are not numbers (NaN)"
        return JudgedRow(number, messages, (str(target),), "", {}, {}, failure)
    if len(arguments) > 1 and all(isinstance(one, tuple | list) for one in said):  # (log-likelihood, greedy) an option
        options = [str(one[1]).strip() for one in arguments]
        answer = options[max(range(len(said)), key=lambda at: said[at][0])]
        target = options[target] if isinstance(target, int) and target < len(options) else target
    else:
        answer = str(said[0])
    scores = {metric: float(sample[metric]) for metric in metrics}
    return JudgedRow(number, messages, (str(target),), answer, scores, {})


def _likelihoods(said: Sequence[Any]) -> list[float]:
    """The log-likelihoods among a sample's replies: alone, or as (log-likelihood, greedy)."""
    heads = [one[0] if isinstance(one, tuple | list) and one else one for one in said]
    return [one for one in heads if isinstance(one, float)]
