"""What a task is: the knowledge of how one kind of answer is judged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Scores = dict[str, float]


@dataclass(frozen=True)
class Metric:
    """How the numbers of one metric are read."""

    higher_is_better: bool | None = True
    """None where neither direction is better (a length ratio): a change is told, a verdict is not."""
    counted: bool = False
    """Yes or no for every row, so that it is shown as a count and two models can be held together by McNemar's test."""
    unit: Literal["%", ""] = "%"
    """`%`: between 0 and 1, shown times 100, differences in percentage points. Empty: a number shown as it is."""
    corpus: bool = False
    """Made of all rows together by `Task.of_sums`, so that a row by itself has none (F1, perplexity)."""
    e_to_the_mean: tuple[str, str] | None = None
    """Where it is e to one count's sum over another's, which must not depend on the model (tokens of the reference)."""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Reply:
    """What an engine gave back for one question."""

    text: str = ""
    failure: str | None = None
    """Why there is no answer (a server that hangs, logits that are no numbers). Such a row has no scores."""
    truncated: bool = False
    """The answer was still going on when its room was used up."""
    surprise: float | None = None
    """The negative log-likelihood of the reference in nats, where that was asked instead of an answer."""
    tokens: int | None = None
    """The reference's tokens that `surprise` sums over."""


@dataclass(frozen=True)
class Scored:
    """One row judged: its own `scores`, and the `counts` whose sums over rows make the corpus metrics."""

    scores: Scores = field(default_factory=dict)
    counts: Scores = field(default_factory=dict)


class Task(ABC):
    """One way to judge. Its switches are dataclass fields; a recipe sets them: `tasks: {DATASET: {task: NAME, …}}`."""

    name: ClassVar[str]
    headline: ClassVar[str]
    """The metric that decides whether the model got better."""
    metrics: ClassVar[Mapping[str, Metric]]
    """Every metric by name, in the order in which they are shown; all of them higher is better unless they say so."""
    asks: ClassVar[Literal["answer", "likelihood", "choice"]] = "answer"
    """Whether the engine generates an answer, measures how likely the reference is, or which option is likeliest."""

    @abstractmethod
    def judge(self, reply: Reply, references: Sequence[str]) -> Scored:
        """One reply, which is no failure, held against the answers that stand in the data (at least one)."""

    def of_sums(self, sums: Mapping[str, Any]) -> dict[str, Any]:
        """The corpus metrics from the sums of `counts` over any rows; a count that no row has is left out.

        The sums are floats or numpy arrays of equal shape (one number a bootstrap resample), and so are the results.
        """
        return {}

    def trained_on(self, references: Iterable[str]) -> Task:
        """This task, told the references of the training rows, where it judges by them."""
        return self


class AnswerTask(Task):
    """A task that judges the answer's text: a new one is a subclass with `name`, `headline`, `metrics` and `score`."""

    @abstractmethod
    def score(self, answer: str, reference: str) -> Scores:
        """Every metric of one answer but the corpus ones; the same keys for every answer."""

    def counts(self, answer: str, reference: str) -> Scores:
        """What the corpus metrics are made of."""
        return {}

    def judge(self, reply: Reply, references: Sequence[str]) -> Scored:
        """The answer against the reference that it comes nearest to by the headline metric (the first of equals)."""
        judged = [Scored(self.score(reply.text, one), self.counts(reply.text, one)) for one in references]
        return max(judged, key=lambda one: one.scores.get(self.headline, 0.0))
