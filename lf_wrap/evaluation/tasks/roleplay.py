"""A character's answer: as a free one, and whether the character is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lf_wrap.evaluation.tasks.open import Open
from lf_wrap.evaluation.tasks.task import Metric, Scores

# What assistants say of themselves and characters do not. "I'm an airman" and "我是AIDS患者" are no such things.
GIVEAWAYS = re.compile(
    r"(作为|我是|我只是)(一个|一名|一款|一位|个)?\s*(ai|人工智能|(大型?|大规模)?语言模型)(?![a-z])"
    r"|我(无法|不能|不会)(继续)?(扮演|模拟)(角色|人物|他人)?"
    r"|\b(as|i am|i['’]m|being)( just| only)? an? (ai|artificial intelligence|(large )?language model)\b"
    r"|\bi (cannot|can['’]t|am not able to|am unable to) (role-?play|pretend to be)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Roleplay(Open):
    """The metrics of a free answer, and how often it speaks of itself as a model."""

    name = "roleplay"
    metrics = {**Open.metrics, "out of character": Metric(higher_is_better=False, counted=True)}

    def score(self, answer: str, reference: str) -> Scores:
        return super().score(answer, reference) | {"out of character": float(bool(GIVEAWAYS.search(answer)))}
