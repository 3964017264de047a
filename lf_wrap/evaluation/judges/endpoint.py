"""A judge behind an OpenAI-compatible endpoint: asked with patience, its replies kept, its tokens counted."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from lf_wrap.errors import UserError
from lf_wrap.evaluation.at_once import at_once
from lf_wrap.files import whole_lines
from lf_wrap.recipe import Judge

if TYPE_CHECKING:
    import httpx

Messages = list[dict[str, str]]
OnReply = Callable[[int], None]

TRIES = 4
WORTH_ANOTHER_TRY = {408, 409, 425, 429, *range(500, 600)}
LONGEST_WAIT = 60.0  # seconds, whatever a server's Retry-After says
GIVE_UP_AFTER = 5  # prompts without a reply, one behind the other: the judge is not there, or no longer
LONGEST_REPLY = 1_000_000  # bytes: a judge that talks without end is one that answers nonsense


@dataclass(frozen=True)
class Reply:
    """What came back: a text, or why there is none. Tokens as the server counted them; 0 for a reply from the cache."""

    text: str | None
    failure: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False


class TransientError(Exception):
    """The request failed in a way that may pass; `wait` is what the server asked for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class Endpoint:
    """Asks `judge` (the recipe's `evaluate.judge`); what was asked before is read from the JSONL file `cache`."""

    def __init__(self, judge: Judge, cache: Path, *, first_wait: float = 1.0) -> None:
        self._judge, self.cache, self._first_wait = judge, cache, first_wait
        self._url = judge.base_url.rstrip("/") + "/chat/completions"
        self._key = os.environ.get(judge.key_env)
        self._kept = {line["key"]: line["reply"] for line in whole_lines(cache) if {"key", "reply"} <= line.keys()}
        self._lock, self._stop = Lock(), Event()

    def knows(self, messages: Messages) -> bool:
        """Whether the reply is in the cache already."""
        return self._key_of(messages) in self._kept

    def ask_all(self, prompts: Sequence[Messages], on_reply: OnReply = lambda done: None) -> list[Reply]:
        """One reply a prompt, in their order; a prompt without one, after all tries, has its failure told.

        Raises:
            UserError: the endpoint refuses us (key, address, model), or does not answer several prompts in a row. What
                it answered is kept.
        """
        import httpx

        self._stop.clear()
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        replies, unanswered = [Reply(None)] * len(prompts), 0
        with (
            httpx.Client(headers=headers, timeout=self._judge.timeout) as client,
            self._stopping(),
            closing(at_once(partial(self._ask, client), prompts, self._judge.parallel)) as given,
        ):
            for place, reply in given:
                replies[place] = reply
                on_reply(1)
                unanswered = unanswered + 1 if reply.text is None else unanswered if reply.cached else 0
                if unanswered == min(GIVE_UP_AFTER, len(prompts)):
                    raise UserError(
                        f"the judge answered none of {unanswered} questions in a row: {reply.failure}",
                        where=self._url,
                        fix="check evaluate.judge.base_url, and whether the server is up; what it answered is kept",
                    )
        return replies

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        """Whatever ends the block early also ends the waiting of every thread."""
        try:
            yield
        except BaseException:
            self._stop.set()
            raise

    def _ask(self, client: httpx.Client, messages: Messages) -> Reply:
        key = self._key_of(messages)
        if key in self._kept:
            return Reply(self._kept[key], cached=True)
        why = "stopped"
        for attempt in range(TRIES):
            if self._stop.is_set():
                break
            try:
                reply = self._post(client, messages)
            except UserError:
                self._stop.set()
                raise
            except TransientError as error:
                why = str(error)
                backoff = self._first_wait * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311  (threads apart)
                if attempt < TRIES - 1:
                    self._stop.wait(min(LONGEST_WAIT, backoff if error.wait is None else error.wait))
            else:
                self._keep(key, reply)
                return reply
        return Reply(None, failure=why)

    def _post(self, client: httpx.Client, messages: Messages) -> Reply:
        """One request, with one deadline for all of it: a server that drips bytes hangs like one that sends none."""
        import httpx

        asked = {"model": self._judge.model, "messages": messages, "temperature": 0, "seed": 0}
        asked["max_tokens"] = self._judge.max_tokens
        deadline, body = time.monotonic() + self._judge.timeout, b""
        try:
            with client.stream("POST", self._url, json=asked) as response:
                for piece in response.iter_bytes():
                    body += piece
                    if time.monotonic() > deadline:
                        raise TransientError(f"no whole reply within {self._judge.timeout:g} s")
                    if len(body) > LONGEST_REPLY:
                        raise TransientError(f"a reply of more than {LONGEST_REPLY:,} bytes")
        except httpx.TimeoutException:
            raise TransientError(f"no reply within {self._judge.timeout:g} s") from None
        except httpx.TransportError as error:
            raise TransientError(f"{type(error).__name__}: {error}") from None
        except httpx.InvalidURL:
            raise UserError(f"{self._url} is not an address", fix="correct evaluate.judge.base_url") from None
        self._require_success(response, body)
        return _read(body)

    def _require_success(self, response: httpx.Response, body: bytes) -> None:
        code = response.status_code
        if code in WORTH_ANOTHER_TRY:
            raise TransientError(f"HTTP {code}", _seconds(response.headers.get("retry-after")))
        if code >= 300:
            said = body[:300].decode("utf-8", "replace")
            fixes = {
                401: f"put a valid key into the environment variable {self._judge.key_env}",
                403: f"put a key with the right to use {self._judge.model} into {self._judge.key_env}",
                404: "check evaluate.judge.base_url (it usually ends in /v1) and evaluate.judge.model",
            }
            fix = fixes.get(code, "check evaluate.judge against what the server says")
            raise UserError(f"the judge refused: HTTP {code}: {said}", where=self._url, fix=fix)

    def _keep(self, key: str, reply: Reply) -> None:
        line = json.dumps({"key": key, "model": self._judge.model, "reply": reply.text}, ensure_ascii=True)
        with self._lock:
            self._kept[key] = reply.text
            self.cache.parent.mkdir(parents=True, exist_ok=True)
            with self.cache.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def _key_of(self, messages: Messages) -> str:
        asked = [self._judge.base_url, self._judge.model, messages]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _read(body: bytes) -> Reply:
    """The reply in a chat completion. A body of another form counts as a failure that may pass."""
    try:
        told = json.loads(body)
        text, used = told["choices"][0]["message"]["content"], told.get("usage") or {}
        return Reply(str(text or ""), "", int(used.get("prompt_tokens", 0)), int(used.get("completion_tokens", 0)))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise TransientError(f"not a chat completion: {body[:120].decode('utf-8', 'replace')}") from None


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After header asks for; dates are rare and not read."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Bill:
    """Calls and tokens, and what they cost where the recipe gives the price of a million tokens."""

    calls: int
    from_cache: int
    failed: int
    tokens_in: int
    tokens_out: int
    cost: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        words = f"{self.calls:,} calls, {self.tokens_in:,} tokens in, {self.tokens_out:,} out"
        words += f", {self.from_cache:,} more from the cache" if self.from_cache else ""
        words += f", {self.failed:,} failed" if self.failed else ""
        return words + (f", cost {self.cost:,.4f}" if self.cost is not None else "")


def bill(judge: Judge, replies: Sequence[Reply]) -> Bill:
    """What these replies took."""
    tokens_in, tokens_out = sum(reply.tokens_in for reply in replies), sum(reply.tokens_out for reply in replies)
    cached = sum(reply.cached for reply in replies)
    failed = sum(reply.text is None for reply in replies)
    return Bill(len(replies) - cached, cached, failed, tokens_in, tokens_out, _cost(judge, tokens_in, tokens_out))


def estimate(judge: Judge, endpoint: Endpoint, prompts: Sequence[Messages], longest_reply: int) -> Bill:
    """What asking these would take: about four letters or 1.3 Chinese characters a token."""
    unasked = [messages for messages in prompts if not endpoint.knows(messages)]
    texts = [message["content"] for messages in unasked for message in messages]
    ascii_letters = sum(sum(letter < "\x80" for letter in text) for text in texts)
    tokens_in = round(ascii_letters / 4 + (sum(map(len, texts)) - ascii_letters) / 1.3)
    tokens_out = longest_reply * len(unasked)
    cost = _cost(judge, tokens_in, tokens_out)
    return Bill(len(unasked), len(prompts) - len(unasked), 0, tokens_in, tokens_out, cost)


def _cost(judge: Judge, tokens_in: int, tokens_out: int) -> float | None:
    if judge.price is None:
        return None
    return (judge.price.input * tokens_in + judge.price.output * tokens_out) / 1e6
