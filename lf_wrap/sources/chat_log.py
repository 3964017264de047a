"""SillyTavern's chat logs: what a user and a character said; of several answers to a turn the one that was kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text
from lf_wrap.sources.thoughts import after_thought


class ChatLog(Source):
    name = "chat_log"
    task = "roleplay"
    shape = "SillyTavern's .jsonl: {user_name, character_name, …}, then a line a message: {name, is_user, mes, …}"
    columns = ("chat",)

    @classmethod
    def fits(cls, row: Row) -> bool:
        return super().fits(row) and _are_messages(row["chat"])

    def convert(self, row: Row) -> Conversation | Reject:
        if not _are_messages(row["chat"]):
            return Reject(NOT_THIS_SHAPE, "chat is not a list of {name, is_user, mes}")
        said = [message for message in row["chat"] if not message.get("is_system") and text(message["mes"]).strip()]
        users, answering = ([text(one.get("name")) for one in said if one["is_user"] is who] for who in (True, False))
        characters = list(dict.fromkeys(filter(None, answering)))
        if len(characters) > 1:
            return Reject(NOT_THIS_SHAPE, f"several characters speak: {', '.join(characters)}")
        if not answering:
            return Reject(NO_ANSWER, "the character says nothing")
        if not users:
            return Reject(NO_QUESTION, "the user says nothing")
        user, char = users[-1] or "User", characters[0] if characters else ""
        return Conversation(tuple(_turn(message, user, char) for message in said))


def _turn(message: Row, user: str, char: str) -> Turn:
    words = fill(text(message["mes"]).strip(), user, char)
    if message["is_user"]:
        return Turn("user", words)
    extra = message.get("extra")
    return Turn("assistant", after_thought(extra if isinstance(extra, Mapping) else {}, words))


def _are_messages(chat: Any) -> bool:
    return isinstance(chat, list) and all(
        isinstance(message, Mapping) and isinstance(message.get("is_user"), bool) and "mes" in message
        for message in chat
    )
