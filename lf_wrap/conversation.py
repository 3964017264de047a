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


THOUGHT_BEGINS, THOUGHT_ENDS = "<think>", "</think>"


def thought_and_answer(said: str) -> tuple[str | None, str]:
    """What an assistant thought before it answered, and the answer; None and all of it where it did not think aloud.

    The opening mark may be missing where the closing one has a line of its own: templates that put the opening into the
    prompt have models begin with the thought.
    """
    before, ends, answer = said.partition(THOUGHT_ENDS)
    blank, begins, thought = before.partition(THOUGHT_BEGINS)
    if ends and begins and not blank.strip() and THOUGHT_BEGINS not in thought:
        return thought, answer
    if ends and not begins and before.endswith("\n") and answer.startswith("\n"):
        return before, answer
    return None, said


def behind_thought(thought: str, answer: str) -> str:
    """An answer with what was thought before it, between the marks and line breaks that LLaMA-Factory looks for."""
    return f"{THOUGHT_BEGINS}\n{thought.strip()}\n{THOUGHT_ENDS}\n\n{answer.lstrip()}"


def spoken(said: str) -> str:
    """What an assistant says once its thought is done: nothing where that does not end."""
    thought, answer = thought_and_answer(said)
    if thought is not None:
        return answer.lstrip()
    return "" if said.lstrip().startswith(THOUGHT_BEGINS) and THOUGHT_ENDS not in said else said


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a row could not be used: a short `reason` that is counted, a `detail` for the reader."""

    reason: str
    detail: str = ""
