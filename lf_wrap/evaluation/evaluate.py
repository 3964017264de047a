"""A model answers every question set; every answer is kept and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lf_wrap.errors import UserError
from lf_wrap.evaluation.choice import BEFORE_A_LETTER
from lf_wrap.evaluation.engines import CACHE, Asked, Cached, Engine, OnReply, Weighed
from lf_wrap.evaluation.judged import JudgedRow, QuestionSet, judge, rows_file, write_rows
from lf_wrap.evaluation.questions import Question
from lf_wrap.evaluation.tasks import Reply

OnAnswers = Callable[[int], None]


def answer(
    engine: Engine, called: str, sets: Sequence[QuestionSet], folder: Path, on_answers: OnAnswers, cache: Path = CACHE
) -> None:
    """Lets a model answer every set; its judged rows go to `folder`, `called` base or tuned.

    What the model answered before, in whatever run, is taken from `cache`.

    Raises:
        UserError: the model cannot be loaded, or answers not one question of a set.
    """
    cached = Cached(engine, cache)
    judged: dict[str, list[JudgedRow]] = {}
    for one in sets:
        replies = _replies(cached, one, on_answers)
        failures = [reply.failure for reply in replies if reply.failure]
        if len(failures) == len(replies):
            raise UserError(
                f"{called} answered none of the {len(replies):,} questions of {one.name}: {failures[0]}",
                fix="a score of nothing would mean nothing: mend the model or the server first",
            )
        judged[one.name] = judge(one, replies, {row.row: row for row in judged.get(one.of or "", [])})
        write_rows(rows_file(folder, called, one.name), judged[one.name])
    if not engine.lasting:
        cached.forget()


def _replies(engine: Engine, one: QuestionSet, on_answers: OnAnswers) -> list[Reply]:
    replies = [Reply()] * len(one.questions)

    def keep(place: int, reply: Reply) -> None:
        replies[place] = reply
        on_answers(1)

    if one.task.asks == "choice":
        _choose(engine, one.questions, keep)
    elif one.task.asks == "likelihood":
        engine.weigh([Weighed(question.messages, question.reference) for question in one.questions], keep)
    else:
        expected = [reference for question in one.questions for reference in question.references]
        room = one.max_new_tokens or engine.room_for(expected)
        engine.answer([Asked(question.messages, room, question.reference) for question in one.questions], keep)
    return replies


def _choose(engine: Engine, questions: Sequence[Question], on_reply: OnReply) -> None:
    """Replies with the option that is likeliest to stand behind the question, without a chat template (0-shot)."""
    places = [(place, option) for place, question in enumerate(questions) for option in question.options]
    texts = [Weighed(questions[place].messages[-1]["content"], BEFORE_A_LETTER + option) for place, option in places]
    weighed: list[dict[str, Reply]] = [{} for _ in questions]

    def keep(at: int, reply: Reply) -> None:
        place, option = places[at]
        found = weighed[place]
        found[option] = reply
        if len(found) < len(questions[place].options):
            return
        failure = next((one.failure for one in found.values() if one.failure), None)
        likeliest = min(questions[place].options, key=lambda letter: found[letter].surprise or 0.0)
        on_reply(place, Reply(failure=failure) if failure else Reply(likeliest))

    engine.weigh(texts, keep)
