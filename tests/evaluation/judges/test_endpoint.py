"""A judge is asked with patience: what may pass is tried again, what does not is told, nothing is asked twice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation.judges.endpoint import TRIES, Endpoint, bill
from tests.evaluation.judges.conftest import Server, completion

Prompts = list[list[dict[str, str]]]


def prompts(*texts: str) -> Prompts:
    return [[{"role": "user", "content": text}] for text in texts]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "replies.jsonl"


def test_every_prompt_has_its_reply_in_its_place(server: Server, cache: Path) -> None:
    server.says = lambda prompt, times: f"re: {prompt}"
    told: list[int] = []
    replies = Endpoint(server.judge(parallel=8), cache).ask_all(prompts(*"abcdefghij"), told.append)
    assert [reply.text for reply in replies] == [f"re: {letter}" for letter in "abcdefghij"]
    assert sum(told) == 10
    assert {(one["model"], one["temperature"]) for one in server.asked} == {("judge-1", 0)}


@pytest.mark.parametrize(
    "trouble",
    [(429, "slow down"), (500, "oops"), (503, ""), (200, "<html>"), (200, '{"choices": []}'), (200, "[]")],
    ids=lambda trouble: f"{trouble[0]} {trouble[1]}",
)
def test_trouble_that_passes_is_waited_for(server: Server, cache: Path, trouble: tuple[int, str]) -> None:
    server.says = lambda prompt, times: trouble if times < 2 else "fine"
    (reply,) = Endpoint(server.judge(), cache, first_wait=0.01).ask_all(prompts("a"))
    assert reply.text == "fine"
    assert len(server.asked) == 3


def test_trouble_that_stays_is_a_counted_failure_of_that_prompt_alone(server: Server, cache: Path) -> None:
    server.says = lambda prompt, times: (500, "") if prompt == "b" else "fine"
    judge = server.judge(parallel=1)
    replies = Endpoint(judge, cache, first_wait=0.01).ask_all(prompts("a", "b", "c"))
    assert [reply.text for reply in replies] == ["fine", None, "fine"]
    assert replies[1].failure == "HTTP 500"
    assert [one["messages"][0]["content"] for one in server.asked].count("b") == TRIES
    assert bill(judge, replies).failed == 1
    assert "1 failed" in str(bill(judge, replies))


def test_a_judge_that_hangs_is_given_up(server: Server, cache: Path) -> None:
    server.says = lambda prompt, times: None
    endpoint = Endpoint(server.judge(timeout=0.1, parallel=5), cache, first_wait=0.01)
    with pytest.raises(UserError, match="answered none of 5 questions in a row: no reply within"):
        endpoint.ask_all(prompts(*"abcdefghijklmnop"))


def test_a_judge_that_dies_half_way_is_given_up_too_and_what_it_said_is_kept(server: Server, cache: Path) -> None:
    server.says = lambda prompt, times: "fine" if prompt < "f" else (503, "down")
    judge = server.judge(parallel=1)
    with pytest.raises(UserError, match="none of 5 questions in a row: HTTP 503") as error:
        Endpoint(judge, cache, first_wait=0.001).ask_all(prompts(*"abcdefghijklmnop"))
    assert "what it answered is kept" in str(error.value.fix)
    server.says = lambda prompt, times: "fine again"
    replies = Endpoint(judge, cache).ask_all(prompts(*"abcdefghijklmnop"))
    assert [reply.cached for reply in replies] == [True] * 5 + [False] * 11


def test_nobody_waits_for_the_requests_that_hang_when_it_is_over(server: Server, cache: Path) -> None:
    """Four requests hang when another one is refused: their 60 seconds are not waited for (nor are they by Ctrl-C)."""
    server.says = lambda prompt, times: (401, "no") if prompt == "e" else None
    began = time.monotonic()
    with pytest.raises(UserError, match="HTTP 401"):
        Endpoint(server.judge(timeout=60.0, parallel=5), cache).ask_all(prompts(*"abcde"))
    assert time.monotonic() - began < 30


def test_a_judge_that_is_not_there_is_told_by_its_address(cache: Path, server: Server) -> None:
    judge = server.judge().model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(UserError) as error:
        Endpoint(judge, cache, first_wait=0.01).ask_all(prompts(*"abcdefgh"))
    assert error.value.where == "http://127.0.0.1:9/v1/chat/completions"


@pytest.mark.parametrize(("status", "fix"), [(401, "MY_KEY"), (404, "base_url"), (400, "evaluate.judge")])
def test_a_refusal_stops_at_once_and_says_what_to_mend(server: Server, cache: Path, status: int, fix: str) -> None:
    server.says = lambda prompt, times: (status, "no")
    with pytest.raises(UserError, match=f"HTTP {status}") as error:
        Endpoint(server.judge(key_env="MY_KEY", parallel=1), cache).ask_all(prompts("a", "b", "c"))
    assert fix in (error.value.fix or "")
    assert len(server.asked) == 1


def test_the_key_comes_from_the_environment_and_stays_there(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    Endpoint(server.judge(key_env="MY_KEY"), cache).ask_all(prompts("a"))
    assert server.headers[0]["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in cache.read_text(encoding="utf-8")


def test_what_was_answered_is_not_asked_again_even_after_a_crash(server: Server, cache: Path) -> None:
    server.says = lambda prompt, times: f"re: {prompt} 好\ud800"
    Endpoint(server.judge(), cache).ask_all(prompts("a", "b"))
    cache.write_bytes(cache.read_bytes()[:-20])  # the last line was cut off
    judge = server.judge()
    replies = Endpoint(judge, cache).ask_all(prompts("a", "b"))
    assert len(server.asked) == 3
    assert sum(reply.cached for reply in replies) == 1
    assert str(bill(judge, replies)) == "1 calls, 100 tokens in, 10 out, 1 more from the cache"


def test_another_model_is_another_judge(server: Server, cache: Path) -> None:
    Endpoint(server.judge(), cache).ask_all(prompts("a"))
    Endpoint(server.judge().model_copy(update={"model": "judge-2"}), cache).ask_all(prompts("a"))
    assert [one["model"] for one in server.asked] == ["judge-1", "judge-2"]


def test_what_it_cost_is_shown_where_the_price_is_known(server: Server, cache: Path) -> None:
    judge = server.judge(price={"input": 2.0, "output": 10.0})
    replies = Endpoint(judge, cache).ask_all(prompts("a", "b"))
    assert bill(judge, replies).cost == pytest.approx((2 * 200 + 10 * 20) / 1e6)


def test_a_reply_without_end_is_cut(server: Server, cache: Path) -> None:
    server.says = lambda prompt, times: (200, "x" * 1_500_000) if times == 0 else (200, completion("fine"))
    (reply,) = Endpoint(server.judge(), cache, first_wait=0.01).ask_all(prompts("a"))
    assert reply.text == "fine"
