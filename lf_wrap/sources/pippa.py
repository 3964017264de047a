"""PIPPA: chats that people had with characters of their own making, logged on Character.AI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text


class Pippa(Source):
    name = "pippa"
    task = "roleplay"
    shape = "rows of bot_name, conversation [{message, is_human}], bot_description, bot_definitions, bot_greeting"
    columns = ("bot_name", "conversation")

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and _messages(row["conversation"]) is not None

    def convert(self, row: Row) -> Conversation | Reject:
        name, messages = text(row["bot_name"]).strip(), _messages(row["conversation"])
        if messages is None:
            return Reject(NOT_THIS_SHAPE, "conversation is not a list of {message, is_human}")
        turns = [
            Turn("user" if message["is_human"] else "assistant", fill(words, char=name))
            for message in messages
            if (words := text(message["message"]).strip())
        ]
        if all(turn.role == "assistant" for turn in turns):
            return Reject(NO_QUESTION, "the human says nothing")
        if all(turn.role == "user" for turn in turns):
            return Reject(NO_ANSWER, "the bot says nothing")
        greeting = text(row.get("bot_greeting")).strip()
        if greeting and turns[0].role == "user":
            turns.insert(0, Turn("assistant", fill(greeting, char=name)))
        described = (text(row.get(field)).strip() for field in ("bot_description", "bot_definitions"))
        return Conversation(tuple(turns), fill("\n".join(filter(None, described)), char=name))


def _messages(conversation: Any) -> list[Any] | None:
    """The messages, which the Parquet edition keeps as {message: […], is_human: […]}."""
    if isinstance(conversation, Mapping):
        said, by_human = conversation.get("message"), conversation.get("is_human")
        if not (isinstance(said, list) and isinstance(by_human, list) and len(said) == len(by_human)):
            return None
        pairs = zip(said, by_human, strict=True)
        conversation = [{"message": message, "is_human": is_human} for message, is_human in pairs]
    is_sound = isinstance(conversation, list) and all(
        isinstance(message, Mapping) and isinstance(message.get("is_human"), bool) and "message" in message
        for message in conversation
    )
    return conversation if is_sound else None
