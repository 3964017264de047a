"""Chats as a list of exchanges: {human, assistant} (Firefly's MOSS), {input, output, system} (XTuner)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.aliases import AliasedSource
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, text
from lf_wrap.sources.thoughts import after_thought

KEYS = (
    *(("human", "assistant"), ("input", "output"), ("user", "assistant"), ("user", "bot")),
    *(("question", "answer"), ("query", "response"), ("prompt", "response")),
)


class PairedTurns(AliasedSource):
    name = "paired_turns"
    shape = "rows of conversation [{human, assistant}, …] (or {input, output, system}, {question, answer}, …)"
    columns = ("conversation",)
    aliases: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("conversations", "messages"), "conversation"),
        **dict.fromkeys(("system_prompt", "meta_instruction"), "system"),
    }

    @classmethod
    def fits(cls, row: Row) -> bool:
        # COIG's rows have an instruction beside: nothing tells what part it has in the chat.
        return _keys(cls.renamed(row).get("conversation")) is not None and not text(row.get("instruction"))

    def convert(self, row: Row) -> Conversation | Reject:
        exchanges = row["conversation"]
        keys = _keys(exchanges)
        if keys is None:
            known = ", ".join(f"{{{ask}, {answer}}}" for ask, answer in KEYS)
            return Reject(NOT_THIS_SHAPE, f"conversation is not a list of one of {known}")
        ask, answer = keys
        turns, system = list[Turn](), text(row.get("system")).strip()
        for place, exchange in enumerate(exchanges, 1):
            if any(isinstance(exchange.get(key), list | dict) for key in keys):
                return Reject(NOT_THIS_SHAPE, f"{ask} or {answer} of exchange {place} is not text")
            said, later = text(exchange.get("system")).strip(), place > 1
            if said and said != system and (later or system):
                return Reject(NOT_THIS_SHAPE, f"exchange {place} has a second system text")
            system = said or system
            asked, answered = (text(exchange.get(key)).strip() for key in keys)
            if asked:
                turns.append(Turn("user", asked))
            if answered:
                turns.append(Turn("assistant", after_thought(exchange, answered)))
        if not turns or turns[-1].role != "assistant":
            return Reject(NO_ANSWER, "the last answer is empty")
        if all(turn.role == "assistant" for turn in turns):
            return Reject(NO_QUESTION, f"no {ask} has text")
        return Conversation(tuple(turns), system)


def _keys(exchanges: Any) -> tuple[str, str] | None:
    """The two keys that every exchange has; none where there are none, or no list of exchanges."""
    if not isinstance(exchanges, list) or not exchanges or not all(isinstance(one, Mapping) for one in exchanges):
        return None
    return next((keys for keys in KEYS if all(set(keys) <= one.keys() for one in exchanges)), None)
