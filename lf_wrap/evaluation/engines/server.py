"""Any OpenAI-compatible server answers: vLLM, Ollama, `llamafactory-cli api`, a paid one."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from lf_wrap.errors import UserError
from lf_wrap.evaluation.at_once import at_once
from lf_wrap.evaluation.engines.engine import Asked, OnReply, Weighed
from lf_wrap.evaluation.tasks import Reply

TIMEOUT, ATTEMPTS, AT_ONCE = 120.0, 3, 8
LONGEST_REPLY, READ_AT_ONCE = 8 << 20, 1 << 16  # bytes
AGAIN = {408, 409, 429, 500, 502, 503, 504}
DEAD_AFTER = 8  # questions in a row without an answer: the server is gone, and nobody waits for the rest
CHARACTERS_A_TOKEN = 2  # of Chinese in most vocabularies, roughly: rather too much room than too little
MOST_NEW_TOKENS = 1024


class Server:
    """The model called `model` at `url` (`http://127.0.0.1:8000/v1`), asked over /chat/completions.

    The key, if it needs one, is read from the environment variable `OPENAI_API_KEY`.
    """

    lasting = False

    def __init__(self, url: str, model: str, *, timeout: float = TIMEOUT, wait: float = 1.0) -> None:
        """`timeout` seconds a request; `wait` seconds before the second attempt, doubled before each further one.

        Raises:
            UserError: `url` is no http address.
        """
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
            raise UserError(f"{url!r} is not a server's address", fix="for example http://127.0.0.1:8000/v1")
        self.url, self.model, self.timeout, self.wait = url.rstrip("/"), model, timeout, wait
        self.identity = f"server {self.url} {model}"

    def room_for(self, references: Sequence[str]) -> int:
        longest = max(len(reference) for reference in references)
        return min(MOST_NEW_TOKENS, max(64, longest * 3 // CHARACTERS_A_TOKEN))

    def answer(self, asked: Sequence[Asked], on_reply: OnReply) -> None:
        """Several at once. A question that gets no answer after all attempts is a failure.

        Raises:
            UserError: no question of several in a row got an answer: the server is not there, or not what it should be.
        """
        unanswered = 0
        with closing(at_once(self._reply, asked, AT_ONCE)) as replies:
            for place, reply in replies:
                unanswered = unanswered + 1 if reply.failure else 0
                if unanswered == min(DEAD_AFTER, len(asked)):
                    raise UserError(
                        f"{self.url} does not answer: {reply.failure}",
                        where=f"{unanswered} questions in a row",
                        fix="check that the server runs and serves this model; what it answered is kept",
                    )
                on_reply(place, reply)

    def weigh(self, weighed: Sequence[Weighed], on_reply: OnReply) -> None:
        raise UserError(
            "a server's chat endpoint does not tell likelihoods",
            fix="use the transformers engine for perplexity and multiple choice",
        )

    def _reply(self, asked: Asked) -> Reply:
        wish = {
            "model": self.model,
            "messages": asked.messages,
            "max_tokens": asked.max_new_tokens,
            "temperature": 0,
            "stream": False,
        }
        failure = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(self.wait * 2 ** (attempt - 1))
            try:
                return _read(self._post(wish))
            except urllib.error.HTTPError as error:
                failure = f"HTTP {error.code} {error.reason}"
                if error.code not in AGAIN:
                    break
            except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
                failure = f"{type(error).__name__}: {error}"[:200]
        return Reply(failure=failure)

    def _post(self, wish: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get("OPENAI_API_KEY"):
            headers["Authorization"] = f"Bearer {key}"
        data = json.dumps(wish).encode()
        request = urllib.request.Request(f"{self.url}/chat/completions", data, headers)  # noqa: S310  (http, checked)
        deadline, body = time.monotonic() + self.timeout, bytearray()
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
            while piece := answer.read1(READ_AT_ONCE):  # a server that drips bytes hangs like one that sends none
                body += piece
                if len(body) > LONGEST_REPLY:
                    raise ValueError("the reply is longer than 8 MiB")
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no whole reply within {self.timeout:g} s")
        return json.loads(body)


def _read(answered: Any) -> Reply:
    choice = answered["choices"][0]
    text = choice["message"]["content"]
    if not isinstance(text, str):
        raise TypeError("the reply holds no text")
    return Reply(text.strip(), truncated=choice.get("finish_reason") == "length")
