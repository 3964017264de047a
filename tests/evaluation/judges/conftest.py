"""A small real server that speaks the OpenAI protocol: what it answers is the test's to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lf_wrap.evaluation import JudgedRow
from lf_wrap.recipe import Judge

Said = str | tuple[int, str] | None
"""A reply's text; a status and a body; or None to hang until the test is over."""


@dataclass
class Server:
    """What the judge was asked, and how it answers: `says` is given the prompt and how often it came before."""

    says: Callable[[str, int], Said] = lambda prompt, times: '{"better": "tie"}'
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def judge(self, **more: Any) -> Judge:
        return Judge(base_url=self.url, model="judge-1", **{"timeout": 20.0, **more})


@pytest.fixture
def server() -> Iterator[Server]:
    state, lock = Server(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = asked["messages"][-1]["content"]
            with lock:
                times = sum(one["messages"][-1]["content"] == prompt for one in state.asked)
                state.asked.append(asked)
                state.headers.append(dict(self.headers))
            said = state.says(prompt, times)
            if said is None:
                state.over.wait()
                return
            status, body = said if isinstance(said, tuple) else (200, completion(said))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body.encode())))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    state.url = f"http://127.0.0.1:{listening.server_port}/v1"
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield state
    state.over.set()
    listening.shutdown()
    listening.server_close()


def completion(text: str) -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 10}})


def rows(*answers: str, group: str = "") -> list[JudgedRow]:
    """One answered row an answer: the question tells its number."""
    return [
        JudgedRow(
            number,
            [{"role": "user", "content": f"question {number}?"}],
            ("the reference",),
            answer,
            {},
            {},
            group=group,
        )
        for number, answer in enumerate(answers, 1)
    ]
