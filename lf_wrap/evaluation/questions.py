"""The questions a model is asked: the rows of a registered dataset, without their last answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from lf_wrap.conversation import Conversation
from lf_wrap.dataset import conversations, load_card
from lf_wrap.errors import UserError
from lf_wrap.files import shown

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Question:
    """The messages to answer, and the answers that stand in the data: several where rows ask the same."""

    row: int
    """The first row that asks it, from 1."""
    messages: Messages
    references: tuple[str, ...]
    group: str = ""
    """Questions of one group (a subject, one question in several wordings) are not independent of each other."""
    options: tuple[str, ...] = ()
    """The letters to choose from, where it is a multiple-choice question."""

    @property
    def reference(self) -> str:
        return self.references[0]


def questions(dataset_dir: Path, registered_name: str, limit: int | None = None) -> list[Question]:
    """The first `limit` questions (all when None) of a registered dataset, in the groups that its card tells.

    Raises:
        UserError: the dataset is not registered, its file is broken or empty, or a row has no answer to compare with.
    """
    asked = _merged(conversations(dataset_dir, registered_name), registered_name)
    if not asked:
        raise UserError(
            f"dataset {registered_name!r} has no rows to ask about",
            where=shown(dataset_dir),
            fix="give it some: `test: 100` in its spec",
        )
    groups = _groups(dataset_dir, registered_name)
    return [replace(one, group=groups.get(one.row, "")) for one in islice(asked.values(), limit)]


def _groups(dataset_dir: Path, registered_name: str) -> dict[int, str]:
    """The group of each test row that does not stand for itself, by its number."""
    name = registered_name.removesuffix("_test")
    card = load_card(dataset_dir, name) if name != registered_name else None
    return {row: f"group {place}" for place, rows in enumerate(card.test_groups, 1) for row in rows} if card else {}


def _merged(rows: Iterable[Conversation], name: str) -> dict[str, Question]:
    """The rows as questions, by what they ask. Rows that ask the same are one question with several references.

    So is a row that brings several answers, as IMCS-V2-MRG's two reports.
    """
    asked: dict[str, Question] = {}
    for number, row in enumerate(rows, 1):
        if len(row.turns) < 2 or row.turns[-1].role != "assistant" or not row.answer.strip():
            raise UserError(
                f"dataset {name!r} cannot be judged: a row has no answer to compare with",
                where=f"row {number}",
                fix="take the row out, or give it an answer",
            )
        system = [{"role": "system", "content": row.system}] if row.system else []
        messages = system + [{"role": turn.role, "content": turn.text} for turn in row.turns[:-1]]
        earlier = asked.setdefault(str(messages), Question(number, messages, ()))
        known = dict.fromkeys((*earlier.references, row.answer, *row.others))
        asked[str(messages)] = replace(earlier, references=tuple(known))
    return asked


def task_of(dataset_dir: Path, name: str) -> str:
    """The task that dataset `name`'s source declared when it was built; `open` for datasets of others."""
    card = load_card(dataset_dir, name)
    return card.task if card else "open"
