"""Lists of messages, whatever the roles are called in them: the common part of ShareGPT, OpenAI and histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from lf_wrap.conversation import Conversation, Reject, Role, Turn
from lf_wrap.sources.aliases import AliasedSource
from lf_wrap.sources.placeholders import filled
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text
from lf_wrap.sources.thoughts import after_thought

UNKNOWN_ROLE = "unknown role"
ROLES: Mapping[str, Role | Literal["system"]] = {
    **dict.fromkeys(("system", "developer"), "system"),  # `developer`: OpenAI's newer name
    **dict.fromkeys(("user", "human", "client", "patient", "患者", "病人", "用户"), "user"),
    **dict.fromkeys(("assistant", "gpt", "bot", "model", "chatgpt", "doctor", "医生", "助手"), "assistant"),
}


# Where rows of roleplay say who speaks: only then is `{{user}}` or `{{char}}` in them known to be a name left open.
CHARACTERS, USERS = ("char_name", "bot_name", "character_name", "character", "char"), ("user_name",)
LONGEST_NAME = 60


class Chat(NamedTuple):
    """A system text, or "", and what was said."""

    system: str
    turns: tuple[Turn, ...]


def turns_of(messages: Any, role_key: str, text_key: str) -> Chat | Reject:
    """The chat in a list of messages, each with its role and its text under these keys.

    Messages without text are left out. A chat whose last answer would be left out is a reject, and so is one with a
    role that is neither the system's, the user's nor the assistant's: what follows a tool's output makes no sense
    without it.
    """
    if not isinstance(messages, list) or not all(isinstance(each, Mapping) and role_key in each for each in messages):
        return Reject(NOT_THIS_SHAPE, f"not a list of {{{role_key}, {text_key}}}")
    system, turns = "", list[Turn]()
    for place, message in enumerate(messages, 1):
        called = text(message[role_key])
        role, words = ROLES.get(called.strip().lower()), _words(message.get(text_key))
        if role is None:
            return Reject(UNKNOWN_ROLE, called)
        if words is None:
            return Reject(NOT_THIS_SHAPE, f"{text_key} of message {place} is not text")
        if role == "system":
            if words and (system or turns):
                return Reject(NOT_THIS_SHAPE, f"message {place} is a second system text, or one amid the turns")
            system = words or system
        elif words:
            turns.append(Turn(role, after_thought(message, words) if role == "assistant" else words))
        elif role == "assistant" and place == len(messages):
            return Reject(NO_ANSWER, "the last answer is empty")
    return Chat(system, tuple(turns))


def history_of(history: Any) -> Chat | Reject:
    """Earlier turns: [[question, answer], …] or [{role, content}, …]; none when there is nothing."""
    if not isinstance(history, list):
        return Reject(NOT_THIS_SHAPE, f"history is {history!r:.80}") if text(history) else Chat("", ())
    if all(isinstance(message, Mapping) for message in history):
        return turns_of(history, "role", "content")
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in history):
        return Reject(NOT_THIS_SHAPE, "history is not a list of [question, answer] pairs")
    said = [message for pair in history for message in zip(("user", "assistant"), pair, strict=True)]
    return turns_of([{"role": role, "content": words} for role, words in said], "role", "content")


class ChatSource(AliasedSource):
    """A layout with one column of messages, and perhaps columns `system`, `char_name` and `user_name`."""

    role_key: ClassVar[str]
    text_key: ClassVar[str]
    wanted = (*Source.wanted, "label")  # the other as KTO's own data has it

    @classmethod
    def fits(cls, row: Row) -> bool:
        messages = cls.renamed(row).get(cls.columns[0])
        first = messages[0] if isinstance(messages, list) and messages else None
        return isinstance(first, Mapping) and cls.role_key in first and cls.text_key in first

    def convert(self, row: Row) -> Conversation | Reject:
        chat = turns_of(row[self.columns[0]], self.role_key, self.text_key)
        if isinstance(chat, Reject):
            return chat
        roles = {turn.role for turn in chat.turns}
        if "user" not in roles:
            return Reject(NO_QUESTION, "no message of the user has text")
        if "assistant" not in roles:
            return Reject(NO_ANSWER, "no message of the assistant has text")
        conversation = Conversation(chat.turns, chat.system or text(row.get("system")).strip())
        char, user = _name(row, CHARACTERS), _name(row, USERS)
        return filled(conversation, user or "User", char) if char or user else conversation


def _name(row: Row, columns: tuple[str, ...]) -> str:
    """The first name in these columns; what is longer than a name, or no text, is none."""
    named = (row[column].strip() for column in columns if isinstance(row.get(column), str))
    return next((name for name in named if name and len(name) <= LONGEST_NAME and "\n" not in name), "")


def _words(value: Any) -> str | None:
    """A message's text, which OpenAI also writes as [{type: text, text}, …]; None when it is something else."""
    if isinstance(value, list):
        if not all(isinstance(part, Mapping) and part.get("type") == "text" for part in value):
            return None
        value = "\n".join(text(part.get("text")) for part in value)
    return None if isinstance(value, Mapping) else text(value).strip()
