"""What an engine is: something that answers questions greedily, and perhaps says how likely a given answer is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lf_wrap.evaluation.questions import Messages
from lf_wrap.evaluation.tasks import Reply

OnReply = Callable[[int, Reply], None]
"""Gets the place of a question among those asked, and its reply, as soon as there is one. In any order."""


@dataclass(frozen=True)
class Asked:
    """What an engine is asked: messages to go on from, and how many new tokens that may take."""

    messages: Messages
    max_new_tokens: int
    likely: str = ""
    """About what will be said: an engine may order its work by its length. It does not change the reply."""


@dataclass(frozen=True)
class Weighed:
    """A text whose likelihood is asked, and what stands before it: messages, or a text as it is."""

    before: Messages | str
    text: str


class Engine(Protocol):
    """One model that answers. Greedy: the same question always gets the same reply, whatever is asked beside it."""

    identity: str
    """What the replies depend on besides the question: model, precision, way of asking. The cache's key has it."""
    lasting: bool
    """Whether the identity holds tomorrow (weights on disk) or may stand for another model then (a server's name)."""

    def room_for(self, references: Sequence[str]) -> int:
        """New tokens that an answer may take where such answers are expected."""

    def answer(self, asked: Sequence[Asked], on_reply: OnReply) -> None:
        """One reply a question; what cannot be answered is a reply with a `failure`."""

    def weigh(self, weighed: Sequence[Weighed], on_reply: OnReply) -> None:
        """For each text a reply with `surprise` and `tokens`.

        Raises:
            UserError: this engine cannot tell likelihoods.
        """
