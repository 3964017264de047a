"""Two answers to the same row, shown in both orders: a verdict counts only where it holds in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lf_wrap.evaluation.judged import JudgedRow
from lf_wrap.evaluation.judges.endpoint import Messages, Reply
from lf_wrap.evaluation.judges.rubric import Rubric, prompt, verdict_in

Winner = Literal["first", "second", "tie"]
SAID: dict[str, Winner] = {"a": "first", "b": "second", "tie": "tie"}
SWAPPED: dict[Winner, Winner] = {"first": "second", "second": "first", "tie": "tie"}


@dataclass
class Duel:
    """Two models over the same rows. `winners` has None where no verdict came or could be read."""

    first: str
    second: str
    winners: list[Winner | None] = field(default_factory=list)
    unreadable: int = 0
    failed: int = 0
    flipped: int = 0
    """Rows where the judge preferred a place, not an answer: counted as ties."""

    def counts(self) -> Counter[Winner]:
        return Counter(winner for winner in self.winners if winner is not None)


def pairwise_prompts(rubric: Rubric, first: Sequence[JudgedRow], second: Sequence[JudgedRow]) -> list[Messages]:
    """Two prompts a row: the first model's answer as A and the second's as B, then the other way round."""
    prompts = []
    for one, other in zip(first, second, strict=True):
        for a, b in ((one, other), (other, one)):
            prompts.append(prompt("pairwise", rubric, one, answer_a=a.answer, answer_b=b.answer))
    return prompts


def read_duel(first: str, second: str, replies: Sequence[Reply]) -> Duel:
    """The verdicts in the replies to `pairwise_prompts`, with what could not be used counted."""
    duel = Duel(first, second)
    for place in range(0, len(replies), 2):
        straight, swapped = replies[place], replies[place + 1]
        if straight.text is None or swapped.text is None:
            duel.failed += 1
            duel.winners.append(None)
            continue
        said, said_swapped = _winner(straight.text), _winner(swapped.text)
        if said is None or said_swapped is None:
            duel.unreadable += 1
            duel.winners.append(None)
            continue
        holds = said == SWAPPED[said_swapped]
        duel.flipped += not holds
        duel.winners.append(said if holds else "tie")
    return duel


def _winner(text: str) -> Winner | None:
    said = (verdict_in(text) or {}).get("better")
    return SAID.get(said.strip().lower()) if isinstance(said, str) else None
