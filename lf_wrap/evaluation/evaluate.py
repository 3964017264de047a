"""Both models answer the same test rows; every answer is kept; the scores are compared in pairs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.compare import Comparison, compare
from lf_wrap.evaluation.questions import Question
from lf_wrap.evaluation.tasks import Task
from lf_wrap.files import shown, write_text

OnAnswers = Callable[[int], None]


def answer(
    model: Path,
    asked: dict[str, list[Question]],
    files: dict[str, Path],
    on_answers: OnAnswers,
    *,
    max_new_tokens: int | None,
    batch_size: int | None,
) -> None:
    """Lets the model in folder `model` answer each dataset's questions into the dataset's JSONL file.

    Raises:
        UserError: the model cannot be loaded.
    """
    from lf_wrap.evaluation.engine import Engine

    engine = Engine(model)
    for name, questions in asked.items():
        room = max_new_tokens or engine.room_for([question.reference for question in questions])
        answers = engine.answers(questions, room, batch_size, on_answers)
        rows = [
            {"row": question.row, "messages": question.messages, "reference": question.reference, "answer": text}
            for question, text in zip(questions, answers, strict=True)
        ]
        write_text(files[name], "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_answers(path: Path) -> list[dict[str, Any]]:
    """The answers that `answer` wrote.

    Raises:
        UserError: the file is missing or broken.
    """
    try:
        with path.open("rb") as lines:
            return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise UserError(
            f"{shown(path)} holds no answers: {error}", fix="run the evaluation again: --from evaluate"
        ) from None


def scores(task: Task, base: Sequence[dict[str, Any]], tuned: Sequence[dict[str, Any]]) -> dict[str, Comparison]:
    """Every metric of `task` over the answers of both models to the same rows, compared in pairs."""
    before = [task.score(row["answer"], row["reference"]) for row in base]
    after = [task.score(row["answer"], row["reference"]) for row in tuned]
    return {metric: compare([row[metric] for row in before], [row[metric] for row in after]) for metric in before[0]}
