"""Tavern character cards V1 (flat), V2 and V3 ({spec, data}): a description, a greeting, example dialogues."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources.placeholders import fill
from lf_wrap.sources.source import NOT_THIS_SHAPE, PLACEHOLDER, Row, Source, text

NO_EXAMPLE = "no example dialogue"
START = re.compile(r"<START>", re.IGNORECASE)
# Where a card's system prompt repeats the program's own, of which there is none here.
ORIGINAL = re.compile(r"{{\s*original\s*}}", re.IGNORECASE)
USER = "User"


class Persona(NamedTuple):
    """A card as something to talk to: what it is called, its system text, and its greeting (which may be empty)."""

    name: str
    system: str
    greeting: str


class CharacterCard(Source):
    name = "character_card"
    task = "roleplay"
    shape = "Tavern cards V1, V2, V3 (JSON or PNG): name, description, personality, scenario, first_mes, mes_example"
    columns = ("name",)
    prompt_fields = ("name", "description", "personality", "scenario")

    @classmethod
    def fits(cls, row: Row) -> bool:
        card = _card(row)
        return super().fits(card) and ("mes_example" in card or "first_mes" in card)

    def read(self, row: Any) -> Conversation | Reject | list[Conversation]:
        return super().read(_card(row) if isinstance(row, Mapping) else row)

    def convert(self, row: Row) -> Conversation | Reject | list[Conversation]:
        name = text(row["name"]).strip()
        if not name:
            return Reject(NOT_THIS_SHAPE, "the card has no name")
        char = text(row.get("nickname")).strip() or name
        examples = list(_examples(fill(text(row.get("mes_example")), USER, char), (name, char)))
        if not examples:
            detail = f"mes_example of {name} has no lines of both {{{{user}}}}: and {{{{char}}}}:"
            return Reject(NO_EXAMPLE, f"{detail}: this card can serve as a system prompt only")
        if greeting := fill(text(row.get("first_mes")), USER, char).strip():
            examples[0] = (Turn("assistant", greeting), *examples[0])
        system = fill(self._system(row), USER, char)
        return [Conversation(turns, system, group=name) for turns in examples]

    def persona(self, row: Row) -> Persona | Reject:
        """The card as a system prompt; it needs no example dialogue for that."""
        card = _card(row)
        name = text(card.get("name")).strip()
        if not name:
            return Reject(NOT_THIS_SHAPE, "the card has no name")
        char = text(card.get("nickname")).strip() or name
        return Persona(
            char, fill(self._system(card), USER, char), fill(text(card.get("first_mes")), USER, char).strip()
        )

    def _system(self, card: Row) -> str:
        """The card's own system prompt, then the prompt's lines, less those whose fields are all empty."""
        fields = {field: text(card.get(field)).strip() for field in self.prompt_fields}
        lines = [
            PLACEHOLDER.sub(lambda match: fields[match[1]], line)
            for line in self.prompt.splitlines()
            if not (used := PLACEHOLDER.findall(line)) or any(fields[field] for field in used)
        ]
        own = ORIGINAL.sub("", text(card.get("system_prompt"))).strip()
        return "\n".join(filter(None, (own, "\n".join(lines).strip())))


def _card(row: Row) -> Row:
    """The card itself, which V2 and V3 keep under `data`."""
    data = row.get("data")
    return data if text(row.get("spec")).startswith("chara_card") and isinstance(data, Mapping) else row


def _examples(mes_example: str, names: tuple[str, ...]) -> Iterator[tuple[Turn, ...]]:
    """The turns of each example in which both sides speak. What no one says goes on with what was said before."""
    users = (USER, "You")
    speaker = re.compile(rf"\s*({'|'.join(map(re.escape, (*users, *names)))})\s*[:：]", re.IGNORECASE)
    for example in START.split(mes_example):
        turns: list[Turn] = []
        for line in example.strip().splitlines():
            if found := speaker.match(line):
                is_user = found[1].lower() in map(str.lower, users)
                turns.append(Turn("user" if is_user else "assistant", line[found.end() :]))
            elif turns:
                turns[-1] = Turn(turns[-1].role, f"{turns[-1].text}\n{line}")
        said = tuple(Turn(turn.role, turn.text.strip()) for turn in turns if turn.text.strip())
        if {turn.role for turn in said} == {"user", "assistant"}:
            yield said
