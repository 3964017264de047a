"""The rows of a registered dataset, as messages: read as LLaMA-Factory's converters (0.9.5, `data/converter.py`) do.

Rows that it drops are None here. What it would read in another way than as text (tools, pictures, other kinds of
files) is `NotRepeated`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lf_wrap.dataset.layout import DEFAULT_COLUMNS, TAGS
from lf_wrap.dataset.registered import registered_file
from lf_wrap.dataset.shards import files_in
from lf_wrap.dataset.tokenized.arguments import NotRepeated
from lf_wrap.dataset.tokenized.template import Message

ELSEWHERE = ("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name", "num_samples", "ranking")
ALPACA_COLUMNS = ("prompt", "query", "response", "history", "system", "tools")
SHAREGPT_COLUMNS = ("messages", "system", "tools")
OTHER_KINDS = ("images", "videos", "audios", "chosen", "rejected", "kto_tag")


@dataclass(frozen=True)
class Row:
    """What a row says: alternating from the user to the assistant, an even number of messages."""

    messages: list[Message]
    system: str


@dataclass(frozen=True)
class Reader:
    """How the rows of a registered file are read."""

    name: str
    sharegpt: bool
    columns: dict[str, str]
    tags: dict[str, str]

    def read(self, line: bytes) -> Row | None:
        """The row in a line; None where LLaMA-Factory drops it.

        Raises:
            NotRepeated: it holds tools, or something that is not text.
        """
        row = orjson.loads(line)
        if not self.sharegpt and "response" not in self.columns:
            raise NotRepeated(f"{self.name} has texts and no answers")
        if "tools" in self.columns and row.get(self.columns["tools"]):
            raise NotRepeated(f"{self.name} has rows with tools")
        system = row.get(self.columns["system"]) if "system" in self.columns else ""
        made = self._sharegpt(row, system) if self.sharegpt else self._alpaca(row, system)
        if made and not all(isinstance(text, str) for text in (made.system, *(said.content for said in made.messages))):
            raise NotRepeated(f"{self.name} has values that are not text")
        return made

    def text(self, line: bytes) -> str:
        """The text that continued pretraining learns: that of the first message."""
        if not self.sharegpt:
            return self._asked(orjson.loads(line))
        row = self.read(line)
        if row is None:
            raise NotRepeated(f"{self.name} has rows that are no conversation")
        return row.messages[0].content

    def _alpaca(self, row: dict[str, Any], system: str | None) -> Row | None:
        answer = row.get(self.columns["response"]) if "response" in self.columns else None
        if not isinstance(answer, str):
            return None
        messages = []
        earlier = row.get(self.columns["history"]) if "history" in self.columns else None
        for asked, answered in earlier or []:
            messages += [Message("user", asked), Message("assistant", answered)]
        messages += [Message("user", self._asked(row)), Message("assistant", answer)]
        return Row(messages, system or "")

    def _asked(self, row: dict[str, Any]) -> str:
        parts = [row.get(self.columns[part]) for part in ("prompt", "query") if part in self.columns]
        if not all(isinstance(part, str | None) for part in parts):
            raise NotRepeated(f"{self.name} has values that are not text")
        return "\n".join(part for part in parts if part)

    def _sharegpt(self, row: dict[str, Any], system: str | None) -> Row | None:
        role, content = self.tags["role_tag"], self.tags["content_tag"]
        said = row[self.columns["messages"]]
        if said and "system_tag" in self.tags and said[0][role] == self.tags["system_tag"]:
            system, said = said[0][content], said[1:]
        roles = {self.tags[f"{one}_tag"]: one for one in ("user", "assistant") if f"{one}_tag" in self.tags}
        tools = {self.tags[f"{one}_tag"] for one in ("observation", "function") if f"{one}_tag" in self.tags}
        if any(one[role] in tools for one in said):
            raise NotRepeated(f"{self.name} has rows with tool calls")
        messages = [Message(roles[one[role]], one[content]) for one in said if one[role] in roles]  # type: ignore[arg-type]
        sound = all(one.role == ("user", "assistant")[place % 2] for place, one in enumerate(messages))
        if not sound or len(messages) != len(said) or len(said) % 2 or not said:
            return None
        return Row(messages, system or "")


@dataclass(frozen=True)
class Registered:
    """A registered file: its rows as they lie in it, and how they are read."""

    reader: Reader
    lines: list[bytes]


def open_registered(dataset_dir: Path, name: str, max_samples: int | None = None) -> Registered:
    """The dataset `name`, or its first `max_samples` rows.

    Raises:
        UserError: it is not registered, or its file is missing.
        NotRepeated: it is not a local JSON file of conversations or texts, or lacks a column that its entry names.
    """
    entry, path = registered_file(dataset_dir, name)
    for key in ELSEWHERE:
        if entry.get(key):
            raise NotRepeated(f"{name} has `{key}`")
    if entry.get("split", "train") != "train" or any(file.suffix not in (".json", ".jsonl") for file in files_in(path)):
        raise NotRepeated(f"{name} is not a JSON file")
    formatting = entry.get("formatting", "alpaca")
    if formatting not in ("alpaca", "sharegpt"):
        raise NotRepeated(f"{name} is in the {formatting} format")
    columns = {key: column for key, column in entry.get("columns", DEFAULT_COLUMNS).items() if column}
    if any(key in columns for key in OTHER_KINDS):
        raise NotRepeated(f"{name} has pictures, sound or preferences")
    read = SHAREGPT_COLUMNS if formatting == "sharegpt" else ALPACA_COLUMNS
    columns = {key: columns[key] for key in read if key in columns}
    lines = [line for file in files_in(path) for line in _lines(file, name)][:max_samples]
    missing = [column for column in columns.values() if column not in orjson.loads(lines[0])]
    if missing:
        raise NotRepeated(f"{name} lacks the column {missing[0]}")
    tags = {key: tag for key, tag in entry.get("tags", TAGS).items() if tag}
    return Registered(Reader(name, formatting == "sharegpt", columns, tags), lines)


def _lines(path: Path, name: str) -> list[bytes]:
    """One JSON object each: the lines of a JSONL file, or the elements of an array."""
    content = path.read_bytes()
    try:
        if content.lstrip()[:1] == b"[":
            return [orjson.dumps(row) for row in orjson.loads(content)]
        lines = [line for line in content.split(b"\n") if line.strip()]
        orjson.loads(lines[0])
    except (ValueError, IndexError):
        raise NotRepeated(f"{name} has no rows in plain JSON ({path.name})") from None
    return lines
