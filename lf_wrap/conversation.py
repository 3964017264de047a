"""The one internal form of a training row, and the form of a row that could not be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Role = Literal["user", "assistant"]


class Turn(NamedTuple):
    """What one side said."""

    role: Role
    text: str


class Conversation(NamedTuple):
    """An optional system text, then turns. Sound ones alternate from the user to the assistant."""

    turns: tuple[Turn, ...]
    system: str = ""
    asked: str = ""
    """What is asked, without the prompt around it: rows are compared by this. Empty when the turns hold no prompt."""
    group: str = ""
    """Rows of one group (a patient, a dialogue, a question) stay on one side of the split."""
    others: tuple[str, ...] = ()
    """Further answers that stand in the data: test rows are judged by them too, training rows teach `answer` alone."""

    @classmethod
    def single(cls, prompt: str, answer: str, system: str = "", *, asked: str = "") -> Conversation:
        """One question, one answer."""
        return cls((Turn("user", prompt), Turn("assistant", answer)), system, asked)

    @property
    def answer(self) -> str:
        """The last turn's text: what a model is asked for when the conversation is a test row."""
        return self.turns[-1].text

    @property
    def is_single(self) -> bool:
        return len(self.turns) == 2


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a row could not be used: a short `reason` that is counted, a `detail` for the reader."""

    reason: str
    detail: str = ""
