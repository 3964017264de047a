"""CharacterEval and Chat-Haruhi: scripts, as lines "speaker：words" or as {role, text}, one of them the character's.

CharacterEval rows name the character in `role`. Chat-Haruhi's published files do not: there the dialogue ends with
the character's answer, so whoever has the last line is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.source import NO_ANSWER, NO_QUESTION, NOT_THIS_SHAPE, Row, Source, text

SCRIPT, PROFILE = ("context", "text", "dialogue"), ("instruction_profile", "profile")
# A name (a narrator may have none), perhaps a stage direction in brackets, a colon. Sentences, times (12:30) and
# addresses (http://) are no names.
SPEAKER = re.compile(
    r"(?!\d+[：:])([^：:（()）。！？，；!?,;“”\"「」\n]{0,30}(?:[（(][^）)\n]*[）)])?)\s*[：:](?!//)\s*"
)
CALLED = re.compile(r"(.*?)\s*([（(][^（()）]*[）)])?", re.DOTALL)
NARRATORS = ("", "旁白", "scene", "Narrator")
# Whoever is called so plays no part: rows with such a role are chats or consultations of other layouts.
NO_CHARACTERS = {"", "user", "assistant", "system", "human", "gpt", "bot", "doctor", "patient", "医生", "患者"}


class Line(NamedTuple):
    """Who says what; `whole` is the line with its speaker in front."""

    speaker: str
    words: str
    whole: str


class ScriptedDialogue(Source):
    name = "scripted_dialogue"
    shape = "rows of role (the character) and context, text or dialogue: lines of speaker：words, or [{role, text}, …]"
    columns = ("role",)

    @classmethod
    def fits(cls, row: Row) -> bool:
        row = _with_role(row)
        is_script = any(line.speaker for line in _lines(_script(row)))
        return is_script and super().fits(row) and text(row["role"]).strip().lower() not in NO_CHARACTERS

    def read(self, row: Any) -> Conversation | Reject | list[Conversation]:
        return super().read(_with_role(row) if isinstance(row, Mapping) else row)

    def convert(self, row: Row) -> Conversation | Reject:
        character, lines = text(row["role"]).strip(), _lines(_script(row))
        if not character:
            return Reject(NOT_THIS_SHAPE, "role is empty: nobody knows whose lines are to be learned")
        if not lines:
            return Reject(NO_QUESTION, f"none of {', '.join(SCRIPT)} holds a line")
        turns = tuple(
            Turn("assistant", fill(line.words, char=character))
            if line.speaker == character
            else Turn("user", fill(line.whole, char=character))
            for line in lines
            if line.words
        )
        if all(turn.role == "user" for turn in turns):
            return Reject(NO_ANSWER, f"{character} says nothing")
        # Benchmarks cut a dialogue after each of the character's lines: its opening tells which one it is.
        return Conversation(turns, fill(_profile(row), char=character), group=lines[0].whole)


def _with_role(row: Row) -> Row:
    dialogue = row.get("dialogue")
    if "role" in row or not isinstance(dialogue, list):
        return row
    speakers = [line.speaker for line in _lines(dialogue) if line.speaker not in NARRATORS]
    named = [speaker for speaker in speakers if SPEAKER.fullmatch(f"{speaker}:")]  # and not "He smiled, and said"
    return {**row, "role": named[-1]} if named else row


def _script(row: Row) -> Any:
    return next((row[field] for field in SCRIPT if row.get(field)), None)


def _lines(script: Any) -> list[Line]:
    if isinstance(script, list):
        said = [line for line in script if isinstance(line, Mapping) and "role" in line and "text" in line]
        return [_line(text(line["role"]).strip(), text(line["text"]).strip()) for line in said]
    lines: list[Line] = []
    for written in (line.strip() for line in text(script).splitlines() if line.strip()):
        if found := SPEAKER.match(written):
            lines.append(_line(found[1].strip(), written[found.end() :], written))
        elif lines:
            *lines, before = lines
            lines.append(Line(before.speaker, f"{before.words}\n{written}".lstrip(), f"{before.whole}\n{written}"))
        else:
            lines.append(Line("", written, written))
    return lines


def _line(called: str, words: str, written: str = "") -> Line:
    """A line of whoever is `called` so, perhaps with a stage direction in brackets, which goes with the words."""
    speaker, direction = CALLED.fullmatch(called).groups("")  # type: ignore[union-attr]  # matches anything
    gap = " " if direction.endswith(")") else ""
    whole = written or f"{called}{': ' if called.isascii() else '：'}{words}"
    return Line(speaker, f"{direction}{gap}{words}" if words else "", whole if speaker else words)


def _profile(row: Row) -> str:
    """The character's profile: text, or CharacterEval's {trait: value}."""
    profile = next((row[field] for field in PROFILE if row.get(field)), "")
    if isinstance(profile, Mapping):
        return "\n".join(f"{trait}：{text(value)}" for trait, value in profile.items())
    return text(profile).strip()
