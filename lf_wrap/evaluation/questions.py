"""The questions a model is asked: the test rows of the recipe's datasets, without their last answers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lf_wrap.dataset import conversations, load_card


@dataclass(frozen=True)
class Question:
    """One test row: the messages to answer, and the answer that stands in the data."""

    dataset: str
    row: int
    messages: list[dict[str, str]]
    reference: str


def questions(dataset_dir: Path, registered_name: str, limit: int | None = None) -> list[Question]:
    """The first `limit` rows (all when None) of a registered dataset as questions.

    Raises:
        UserError: the dataset is not registered or its file is broken.
    """
    asked = []
    for row, conversation in enumerate(islice(conversations(dataset_dir, registered_name), limit), 1):
        system = [{"role": "system", "content": conversation.system}] if conversation.system else []
        turns = [{"role": turn.role, "content": turn.text} for turn in conversation.turns[:-1]]
        asked.append(Question(registered_name, row, system + turns, conversation.answer))
    return asked


def task_of(dataset_dir: Path, name: str) -> str:
    """The task that dataset `name`'s source declared when it was built; `open` for datasets of others."""
    card = load_card(dataset_dir, name)
    return card.task if card else "open"
