"""A character's answer."""

from __future__ import annotations

from dataclasses import dataclass

from lf_wrap.evaluation.tasks.open import Open
from lf_wrap.evaluation.tasks.task import Metric, Scores

# What assistants say of themselves and characters do not; compared without blanks and in lower case.
GIVEAWAYS = (
    *(
        "作为ai",
        "作为一个ai",
        "作为一名ai",
        "作为人工智能",
        "作为一个人工智能",
        "作为一名人工智能",
        "作为语言模型",
        "作为一个语言模型",
    ),
    *(
        "我是ai",
        "我是一个ai",
        "我是人工智能",
        "我是一个人工智能",
        "我是语言模型",
        "我只是一个程序",
        "我没有个人",
        "我无法扮演",
        "我不能扮演",
    ),
    *("asanai", "asalanguagemodel", "asalargelanguagemodel", "iamanai", "i'manai", "i’manai", "iamalanguagemodel"),
    *("i'malanguagemodel", "i’malanguagemodel", "aiassistant", "ai语言模型", "ai助手", "大语言模型", "openai"),
    *("icannotroleplay", "ican'troleplay", "ican’troleplay"),
)


@dataclass(frozen=True)
class Roleplay(Open):
    """A character's answer: as a free one, and whether the character is kept."""

    name = "roleplay"
    metrics = {**Open.metrics, "out of character": Metric(higher_is_better=False, counted=True)}

    def score(self, answer: str, reference: str) -> Scores:
        return super().score(answer, reference) | {"out of character": float(out_of_character(answer))}


def out_of_character(answer: str) -> bool:
    """Whether the answer speaks of itself as an assistant or a model."""
    said = "".join(answer.lower().split())
    return any(giveaway in said for giveaway in GIVEAWAYS)
