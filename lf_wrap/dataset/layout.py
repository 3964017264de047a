"""The two layouts LLaMA-Factory reads, and the `dataset_info.json` entry that describes each.

Facts about its loader that this file is built on (0.9.5, `data/parser.py` and `data/converter.py`): once `tags` is
present every tag left out becomes None, so all seven are written; a file must have one schema, so `system` is always
there; the key is `formatting`, and a misspelt one is ignored without a word.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.errors import UserError

Layout = Literal["alpaca", "sharegpt", "text"]

TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
COLUMNS: dict[Layout, dict[str, str]] = {
    "alpaca": {"prompt": "instruction", "query": "input", "response": "output", "system": "system"},
    "sharegpt": {"messages": "conversations", "system": "system"},
    "text": {"prompt": "text"},  # continued pretraining: the whole text is learned
}

# Of a test row: all answers that stand in the data, the one in its answer's place first. No entry names it, so
# LLaMA-Factory drops it.
REFERENCES = "references"

# What the loader assumes when an entry has no `columns` at all.
DEFAULT_COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "messages": "conversations"}


def layout_for(turns: Collection[int], name: str) -> Layout:
    """The layout that holds rows of all these numbers of turns: plain text, single turns as Alpaca, else ShareGPT.

    Raises:
        UserError: plain text stands among conversations, which LLaMA-Factory cannot read from one file.
    """
    kinds = set(turns)
    if 1 in kinds and len(kinds) > 1:
        raise UserError(
            f"dataset {name!r} has plain text among conversations",
            fix="make two datasets of them: text and conversations train in stages of their own",
        )
    return "text" if kinds == {1} else "alpaca" if kinds <= {2} else "sharegpt"


def entry(layout: Layout, file_name: str) -> dict[str, Any]:
    """The `dataset_info.json` entry of a file in `layout`."""
    formatting = "sharegpt" if layout == "sharegpt" else "alpaca"
    return {"file_name": file_name, "formatting": formatting, "columns": COLUMNS[layout], "tags": TAGS}


def to_row(conversation: Conversation) -> dict[str, Any]:
    """The JSON object of the leanest layout that holds the conversation: text, Alpaca (single turns) or ShareGPT."""
    turns = conversation.turns
    if len(turns) == 2:
        row = {"instruction": turns[0].text, "input": "", "output": turns[1].text, "system": conversation.system}
        return {**row, REFERENCES: [turns[1].text, *conversation.others]} if conversation.others else row
    if len(turns) == 1:
        return {"text": turns[0].text}
    said = [{"from": "human" if turn.role == "user" else "gpt", "value": turn.text} for turn in turns]
    return {"conversations": said, "system": conversation.system}


def alpaca_to_sharegpt(row: dict[str, Any]) -> dict[str, Any]:
    """A single turn of ours in the layout of a file that also holds longer conversations."""
    said = [{"from": "human", "value": row["instruction"]}, {"from": "gpt", "value": row["output"]}]
    others = {REFERENCES: row[REFERENCES]} if REFERENCES in row else {}
    return {"conversations": said, "system": row["system"], **others}


def from_row(row: dict[str, Any], described: dict[str, Any]) -> Conversation:
    """The conversation in a row of a registered file, read by its entry as LLaMA-Factory would.

    Raises:
        KeyError: the row lacks a column that the entry names.
    """
    read = _read(row, described)
    references = row.get(REFERENCES)
    if not isinstance(references, list) or not references or references[0] != read.answer:  # not one of ours
        return read
    return read._replace(others=tuple(references[1:]))


def _read(row: dict[str, Any], described: dict[str, Any]) -> Conversation:
    columns = described.get("columns", DEFAULT_COLUMNS)
    system = (row.get(columns["system"]) or "") if "system" in columns else ""
    if described.get("formatting", "alpaca") == "sharegpt":
        return _from_sharegpt(row[columns["messages"]], described.get("tags", TAGS), system)
    pairs = (row.get(columns["history"]) or []) if "history" in columns else []
    earlier = [turn for pair in pairs for turn in (Turn("user", pair[0]), Turn("assistant", pair[1]))]
    asked = [row[columns[part]] for part in ("prompt", "query") if part in columns and row.get(columns[part])]
    if "response" not in columns:
        return Conversation((*earlier, Turn("user", "\n".join(asked))), system)
    answer = row[columns["response"]] or ""
    return Conversation((*earlier, Turn("user", "\n".join(asked)), Turn("assistant", answer)), system)


def _from_sharegpt(messages: list[dict[str, str]], tags: dict[str, str], system: str) -> Conversation:
    role, content = tags["role_tag"], tags["content_tag"]
    if messages and messages[0][role] == tags.get("system_tag"):
        system, messages = messages[0][content], messages[1:]
    turns = (Turn("user" if said[role] == tags["user_tag"] else "assistant", said[content]) for said in messages)
    return Conversation(tuple(turns), system)
