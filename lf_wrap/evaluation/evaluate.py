"""A model answers every question set; every answer is kept and judged; base and tuned are compared in pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.evaluation.compare import Comparison, compare
from lf_wrap.evaluation.judged import JudgedSet, QuestionSet, judge, rows_file, write_rows
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


def scores(judged: JudgedSet) -> dict[str, Comparison]:
    """Every metric that rows have by themselves, compared in pairs.

    Raises:
        UserError: not one row was answered by both models.
    """
    if not judged.pairs:
        raise UserError(
            f"no question of {judged.name} was answered by both models: {judged.failures} failed",
            fix="see `failure` in the files of evaluation/",
        )
    return {
        name: compare(
            [before.scores[name] for before, _ in judged.pairs], [row.scores[name] for _, row in judged.pairs]
        )
        for name, metric in judged.metrics.items()
        if not metric.corpus
    }
