"""A model is asked what it has not answered before, and nothing else, whoever asked and whatever happened since."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation.engines import Asked, Cached, OnReply, Weighed
from lf_wrap.evaluation.engines.fingerprint import fingerprint
from lf_wrap.evaluation.tasks import Reply


class Parrot:
    """An engine that says what it hears, counts how often, and breaks off or fails where it is told to."""

    lasting = True

    def __init__(self, identity: str = "parrot", *, breaks_at: int = 99, fails_at: int = 99) -> None:
        self.identity, self.breaks_at, self.fails_at = identity, breaks_at, fails_at
        self.heard: list[str] = []

    def room_for(self, references: Sequence[str]) -> int:
        return 8

    def answer(self, asked: Sequence[Asked], on_reply: OnReply) -> None:
        for place, one in enumerate(asked):
            if place == self.breaks_at:
                raise KeyboardInterrupt
            self.heard.append(one.messages[-1]["content"])
            on_reply(
                place, Reply(failure="no") if place == self.fails_at else Reply(f"{self.identity}: {self.heard[-1]}")
            )

    def weigh(self, weighed: Sequence[Weighed], on_reply: OnReply) -> None:
        for place, one in enumerate(weighed):
            self.heard.append(one.text)
            on_reply(place, Reply(surprise=float(len(one.text)), tokens=len(one.text)))


def said(engine: Parrot, path: Path, texts: Sequence[str], room: int = 8) -> list[str]:
    found: dict[int, str] = {}
    asked = [Asked([{"role": "user", "content": text}], room) for text in texts]
    Cached(engine, path).answer(asked, lambda place, reply: found.__setitem__(place, reply.text))
    return [found[place] for place in range(len(texts))]


def test_the_same_question_is_asked_once(tmp_path: Path) -> None:
    first, second = Parrot(), Parrot()
    expected = [f"parrot: {text}" for text in "abca"]
    assert said(first, tmp_path / "cache", "abca") == expected
    assert said(second, tmp_path / "cache", "cab") == ["parrot: c", "parrot: a", "parrot: b"]
    assert second.heard == []


@pytest.mark.parametrize(("identity", "room"), [("another", 8), ("parrot", 9)], ids=["model", "room"])
def test_another_model_or_another_room_is_asked_again(tmp_path: Path, identity: str, room: int) -> None:
    said(Parrot(), tmp_path / "cache", "ab")
    again = Parrot(identity)
    said(again, tmp_path / "cache", "ab", room)
    assert again.heard == ["a", "b"]


def test_an_interrupted_evaluation_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        said(Parrot(breaks_at=2), tmp_path / "cache", "abcd")
    again = Parrot()
    assert said(again, tmp_path / "cache", "abcd") == [f"parrot: {text}" for text in "abcd"]
    assert again.heard == ["c", "d"]


def test_failures_are_not_kept(tmp_path: Path) -> None:
    said(Parrot(fails_at=1), tmp_path / "cache", "ab")
    again = Parrot()
    assert said(again, tmp_path / "cache", "ab") == ["parrot: a", "parrot: b"]
    assert again.heard == ["b"]


def test_likelihoods_are_kept_too(tmp_path: Path) -> None:
    engine = Parrot()
    for _ in range(2):
        found: dict[int, Reply] = {}
        Cached(engine, tmp_path / "cache").weigh([Weighed("a", "bc")], found.__setitem__)
        assert found == {0: Reply(surprise=2.0, tokens=2)}
    assert engine.heard == ["bc"]


def test_what_may_be_another_model_tomorrow_is_forgotten_and_the_others_stay(tmp_path: Path) -> None:
    said(Parrot("server"), tmp_path / "cache", "ab")
    said(Parrot(), tmp_path / "cache", "ab")
    Cached(Parrot("server"), tmp_path / "cache").forget()
    server, parrot = Parrot("server"), Parrot()
    said(server, tmp_path / "cache", "ab")
    said(parrot, tmp_path / "cache", "ab")
    assert (server.heard, parrot.heard) == (["a", "b"], [])


def _ask(path: Path, start: int) -> None:
    said(Parrot(), path, [str(number) for number in range(start, start + 30)])


def test_several_processes_share_a_cache(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("spawn")
    at_once = [fork.Process(target=_ask, args=(tmp_path / "cache", start)) for start in (0, 15)]
    for process in at_once:
        process.start()
    for process in at_once:
        process.join()
    assert [process.exitcode for process in at_once] == [0, 0]
    again = Parrot()
    said(again, tmp_path / "cache", [str(number) for number in range(45)])
    assert again.heard == []


def test_a_file_that_is_no_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("these are my notes, not a database\n" * 99)
    with pytest.raises(UserError, match="cannot be used"):
        Cached(Parrot(), tmp_path / "cache")


def test_the_cache_is_whole_after_a_crash_in_the_middle_of_a_write(tmp_path: Path) -> None:
    said(Parrot(), tmp_path / "cache", "ab")
    torn = sqlite3.connect(tmp_path / "cache")
    torn.execute("INSERT INTO replies VALUES ('x', 'y', '{')")
    torn.close()  # without a commit, as a killed process leaves it
    again = Parrot()
    assert said(again, tmp_path / "cache", "ab") == ["parrot: a", "parrot: b"]
    assert again.heard == []


def test_models_that_differ_in_the_middle_of_a_file_are_told_apart(tmp_path: Path) -> None:
    weights = bytearray(1 << 20)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
        weights[1 << 19] = 1
    (tmp_path / "one/README.md").write_text("changes no answer")
    assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "two")
    (tmp_path / "two/model.safetensors").write_bytes((tmp_path / "one/model.safetensors").read_bytes())
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
