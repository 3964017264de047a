"""A model answers every question set; every answer is kept and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lf_wrap.evaluation.judged import QuestionSet, judge, rows_file, write_rows
from lf_wrap.evaluation.tasks import Reply

OnAnswers = Callable[[int], None]


def answer(
    model: Path,
    called: str,
    tests: Sequence[QuestionSet],
    folder: Path,
    on_answers: OnAnswers,
    *,
    batch_size: int | None,
) -> None:
    """Lets the model in folder `model` answer every set; its judged rows go to `folder`, `called` base or tuned.

    Raises:
        UserError: the model cannot be loaded.
    """
    from lf_wrap.evaluation.engine import Engine

    engine = Engine(model)
    for test in tests:
        references = [reference for question in test.questions for reference in question.references]
        room = test.max_new_tokens or engine.room_for(references)
        answers = engine.answers(test.questions, room, batch_size, on_answers)
        write_rows(rows_file(folder, called, test.name), judge(test, [Reply(text) for text in answers]))
