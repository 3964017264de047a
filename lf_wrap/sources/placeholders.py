"""The names that roleplay data leaves open: `{{user}}` and `{{char}}`, also written `<USER>`, `<BOT>` and `<CHAR>`."""

from __future__ import annotations

import re

from lf_wrap.conversation import Conversation, Turn

OPEN = re.compile(r"{{\s*(user|random_user_\d+|char|bot)\s*}}|<(user|char|bot)>", re.IGNORECASE)


def fill(text: str, user: str = "User", char: str = "") -> str:
    """`text` with both names in place, in one pass. The character's placeholders stay where its name is not known."""

    def name(found: re.Match[str]) -> str:
        is_user = "user" in found.group().lower()
        return user if is_user else char or found.group()

    return OPEN.sub(name, text)


def filled(conversation: Conversation, user: str = "User", char: str = "") -> Conversation:
    """The same in all that is said, and in the system text."""
    turns = tuple(Turn(turn.role, fill(turn.text, user, char)) for turn in conversation.turns)
    return conversation._replace(turns=turns, system=fill(conversation.system, user, char))
