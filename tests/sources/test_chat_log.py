"""SillyTavern's chat logs, in their true shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import recognise, source_named
from lf_wrap.sources.containers import open_rows

HEAD = {"user_name": "unused", "character_name": "unused", "create_date": "2025-1-2@10h", "chat_metadata": {}}


def message(by: str, words: str, **more: Any) -> dict[str, Any]:
    said = {"name": by, "is_user": by == "Ann", "is_system": False, "send_date": "", "mes": words, "extra": {}}
    return said | more


CHAT = [
    message("Ada", "*looks up* Hello, {{user}}!"),
    message("Ann", "Where am I?"),
    message("Ada", "In my glade.", extra={"reasoning": "She is lost."}, swipe_id=0, swipes=["In my glade.", "Sleep."]),
    message("System", "a hidden note", is_system=True),
]


@pytest.mark.parametrize("prove", [True, False])
def test_a_file_is_one_chat(tmp_path: Path, *, prove: bool) -> None:
    log = tmp_path / "Ada - 2025-1-2.jsonl"
    log.write_text("\n".join(map(json.dumps, [HEAD, *CHAT])), encoding="utf-8")
    raw = open_rows(log, prove=prove)
    ((number, row),) = raw
    assert (number, recognise(raw).name, raw.ranges(10)) == (1, "chat_log", [])
    thought = "<think>\nShe is lost.\n</think>\n\nIn my glade."
    said = (Turn("assistant", "*looks up* Hello, Ann!"), Turn("user", "Where am I?"), Turn("assistant", thought))
    assert source_named("chat_log")().read(row) == Conversation(said)


def test_a_chat_with_a_broken_line_is_a_reject(tmp_path: Path) -> None:
    log = tmp_path / "chat.jsonl"
    log.write_text("\n".join(map(json.dumps, [HEAD, *CHAT])) + '\n{"name": "An', encoding="utf-8")
    assert list(open_rows(log)) == [(1, Reject("invalid JSON line", "line 6"))]


@pytest.mark.parametrize(
    ("chat", "reason"),
    [
        (CHAT[1:2], "no answer"),
        (CHAT[:1], "no question"),
        ([*CHAT, message("Bob", "Hi")], "not this shape"),
        ([{"name": "Ada"}], "not this shape"),
    ],
)
def test_a_chat_that_cannot_train_says_why(chat: list[Any], reason: str) -> None:
    result = source_named("chat_log")().read({**HEAD, "chat": chat})
    assert isinstance(result, Reject)
    assert result.reason == reason
