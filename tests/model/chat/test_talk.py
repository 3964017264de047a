"""The chat loop: what is asked of the models, what is remembered, what the commands do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.model.chat import PRESETS, Talk

Messages = list[dict[str, str]]


@dataclass
class Parrot:
    """Says how many messages it heard, in two pieces."""

    name: str = ""
    messages: Messages = field(default_factory=list)
    heard: list[Messages] = field(default_factory=list)
    interrupted: bool = False

    def answer(self, messages: Messages, sampling: Mapping[str, Any]) -> Iterator[str]:
        self.heard.append(messages)
        yield f"{len(messages)} "
        if self.interrupted:
            raise KeyboardInterrupt
        yield "heard"


@pytest.fixture
def printed() -> list[str]:
    return []


@pytest.fixture
def talk(printed: list[str]) -> Callable[..., Talk]:
    def make(*speakers: Parrot, **more: Any) -> Talk:
        talk = Talk(speakers, PRESETS["greedy"], printed.append, **more)
        talk.begin()
        return talk

    return make


def test_each_turn_hears_all_before_it(talk: Callable[..., Talk], printed: list[str]) -> None:
    parrot = Parrot()
    chat = talk(parrot, system="Be brief.")
    assert chat.hear("one")
    assert chat.hear("two")
    assert [message["content"] for message in parrot.heard[1]] == ["Be brief.", "one", "2 heard", "two"]
    assert "".join(printed) == "2 heard\n4 heard\n"


def test_reset_forgets_and_system_replaces(talk: Callable[..., Talk]) -> None:
    parrot = Parrot()
    chat = talk(parrot, system="Be brief.")
    for line in ("one", "/reset", "two", "/system Be long.", "three", "/system", "four"):
        assert chat.hear(line)
    asked = [[message["content"] for message in messages] for messages in parrot.heard]
    assert asked == [["Be brief.", "one"], ["Be brief.", "two"], ["Be long.", "three"], ["four"]]


def test_what_is_saved_is_sharegpt(talk: Callable[..., Talk], tmp_path: Path) -> None:
    chat = talk(Parrot("base"), Parrot("tuned"), system="Be brief.")
    chat.hear("one")
    chat.hear(f"/save {tmp_path / 'chat.json'}")
    rows = json.loads((tmp_path / "chat.json").read_text(encoding="utf-8"))
    assert [row["model"] for row in rows] == ["base", "tuned"]
    assert rows[0]["system"] == "Be brief."
    assert rows[0]["conversations"] == [{"from": "human", "value": "one"}, {"from": "gpt", "value": "2 heard"}]


def test_both_models_answer_and_go_on_with_their_own_words(talk: Callable[..., Talk], printed: list[str]) -> None:
    base, tuned = Parrot("base"), Parrot("tuned")
    chat = talk(base, tuned)
    chat.hear("one")
    assert "".join(printed) == "base: 1 heard\ntuned: 1 heard\n"
    assert base.messages == tuned.messages
    assert base.messages is not tuned.messages


def test_ctrl_c_stops_the_answer_and_keeps_what_was_said(talk: Callable[..., Talk], printed: list[str]) -> None:
    parrot = Parrot(interrupted=True)
    chat = talk(parrot)
    assert chat.hear("one")
    assert "[stopped]" in "".join(printed)
    assert parrot.messages[-1] == {"role": "assistant", "content": "1"}
    parrot.interrupted = False
    assert chat.hear("two")


@pytest.mark.parametrize("line", ["/exit", "/quit", "  /exit  "])
def test_exit_leaves(talk: Callable[..., Talk], line: str) -> None:
    assert not talk(Parrot()).hear(line)


def test_unknown_commands_are_answered_with_the_nearest(talk: Callable[..., Talk], printed: list[str]) -> None:
    parrot = Parrot()
    chat = talk(parrot)
    assert chat.hear("/rest")
    assert chat.hear("/save")
    assert chat.hear("   ")
    assert "did you mean '/reset'" in "".join(printed)
    assert "/save needs a file" in "".join(printed)
    assert parrot.heard == []


def test_a_character_greets(talk: Callable[..., Talk], printed: list[str]) -> None:
    talk(Parrot(), greeting="Ada: Hello.").hear("/reset")
    assert printed == ["Ada: Hello.\n", "a fresh conversation\n", "Ada: Hello.\n"]


def test_the_presets_are_the_notes() -> None:
    assert PRESETS["chat"] == {
        "do_sample": True,
        "temperature": 0.95,
        "top_k": 20,
        "top_p": 0.85,
        "repetition_penalty": 1.2,
    }
    board = PRESETS["leaderboard"]
    assert (board["top_k"], board["top_p"], board["min_p"]) == (50, 0.9, 0.01)
    assert 0.7 <= board["temperature"] <= 0.9
    assert 1.1 <= board["repetition_penalty"] <= 1.2
