"""How surprised a model is by the answers that stand in the data: nothing is generated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lf_wrap.evaluation.tasks.task import Metric, Reply, Scored, Task


@dataclass(frozen=True)
class Perplexity(Task):
    """e to the mean negative log-likelihood of a token of the (first) reference, given the question: lower is better.

    Comparable between models with the same tokenizer only, as a base and what was tuned from it have.
    """

    name = "perplexity"
    headline = "perplexity"
    asks = "likelihood"
    metrics = {
        "perplexity": Metric(higher_is_better=False, unit="", corpus=True, e_to_the_mean=("surprise", "tokens")),
        "nats a token": Metric(higher_is_better=False, unit=""),
    }

    def judge(self, reply: Reply, references: Sequence[str]) -> Scored:
        surprise, tokens = reply.surprise or 0.0, max(1, reply.tokens or 0)
        return Scored({"nats a token": surprise / tokens}, {"surprise": surprise, "tokens": float(tokens)})

    def of_sums(self, sums: Mapping[str, Any]) -> dict[str, Any]:
        import numpy

        return {"perplexity": numpy.exp(sums["surprise"] / numpy.maximum(sums["tokens"], 1))}
