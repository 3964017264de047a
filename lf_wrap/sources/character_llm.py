"""Character-LLM: interviews with a character, whose turns are parts with an action: (speaking), (thinking), …"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lf_wrap.conversation import Conversation, Reject, Role, Turn
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text

ROLES: Mapping[str, Role] = {"interviewer": "user", "character": "assistant"}


class CharacterLLM(Source):
    name = "character_llm"
    task = "roleplay"
    shape = "content [{turn_role, turn_content [{role, action, content}, …]}, …]; or question, reply [{…}, …]"
    columns = ("content",)

    @classmethod
    def fits(cls, row: Row) -> bool:
        return _turns(_as_interview(row).get("content")) is not None

    def read(self, row: Any) -> Conversation | Reject | list[Conversation]:
        return super().read(_as_interview(row) if isinstance(row, Mapping) else row)

    def convert(self, row: Row) -> Conversation | Reject:
        turns = _turns(row["content"])
        if turns is None:
            return Reject(NOT_THIS_SHAPE, "content is not [{turn_role, turn_content [{role, action, content}]}]")
        roles = {turn.role for turn in turns}
        if "user" not in roles:
            return Reject(NO_QUESTION, "nobody asks the character anything")
        if "assistant" not in roles:
            return Reject(NO_ANSWER, "the character says nothing")
        name = text(row.get("character")).strip()
        return Conversation(tuple(Turn(turn.role, fill(turn.text, char=name)) for turn in turns))


def _as_interview(row: Row) -> Row:
    """A single question and its reply as an interview of two turns."""
    if "content" in row or not ("question" in row and isinstance(row.get("reply"), list)):
        return row
    asked = {"turn_role": "interviewer", "turn_content": [{"content": row["question"]}]}
    return {**row, "content": [asked, {"turn_role": "character", "turn_content": row["reply"]}]}


def _turns(content: Any) -> list[Turn] | None:
    """The turns in which something is said, or None where `content` is something else."""
    if not isinstance(content, list) or not content:
        return None
    turns = []
    for turn in content:
        parts = turn.get("turn_content") if isinstance(turn, Mapping) else None
        if not isinstance(parts, list) or turn.get("turn_role") not in ROLES:
            return None
        if not all(isinstance(part, Mapping) and "content" in part for part in parts):
            return None
        if words := "\n".join(filter(None, map(_written, parts))):
            turns.append(Turn(ROLES[turn["turn_role"]], words))
    return turns


def _written(part: Row) -> str:
    action, words = text(part.get("action")).strip(" ()（）"), text(part["content"]).strip()
    return words if not words or action.lower() in ("", "speaking") else f"({action}) {words}"
