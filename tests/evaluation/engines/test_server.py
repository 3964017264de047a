"""An OpenAI-compatible server answers; one that hangs, breaks or talks nonsense costs failures, never a false score."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation.engines import Asked, Weighed
from lf_wrap.evaluation.engines.local import Local
from lf_wrap.evaluation.engines.server import LONGEST_REPLY, Server
from lf_wrap.evaluation.tasks import Reply

Answer = tuple[int, bytes]


def chat(text: Any, finish: str = "stop") -> Answer:
    return 200, json.dumps({"choices": [{"message": {"content": text}, "finish_reason": finish}]}).encode()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[str], Answer]], str]]:
    """Starts a server on loopback that answers the last message's text with (status, body)."""
    started = []

    def start(answer: Callable[[str], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = answer(wish["messages"][-1]["content"])
                self.send_response(status)
                self.end_headers()
                with suppress(BrokenPipeError):  # nobody waited for it
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def replies(url: str, texts: list[str], timeout: float = 5.0) -> list[Reply]:
    found: dict[int, Reply] = {}
    asked = [Asked([{"role": "user", "content": text}], 8) for text in texts]
    Server(url, "m", timeout=timeout, wait=0.01).answer(asked, found.__setitem__)
    return [found[place] for place in range(len(texts))]


def test_every_question_gets_its_own_answer(serve: Any) -> None:
    texts = [f"问题 {number}" for number in range(20)]
    url = serve(lambda text: chat(f" {text}! ", "length" if text.endswith("7") else "stop"))
    told = replies(url, texts)
    assert [reply.text for reply in told] == [f"{text}!" for text in texts]
    assert [place for place, reply in enumerate(told) if reply.truncated] == [7, 17]


def test_an_answer_of_100_kilobytes_arrives_whole(serve: Any) -> None:
    assert replies(serve(lambda text: chat("长" * 100_000)), ["a"])[0].text == "长" * 100_000


NONSENSE: dict[str, Answer] = {
    "no JSON": (200, b"<html>busy</html>"),
    "an empty body": (200, b""),
    "no choices": (200, b'{"choices": []}'),
    "no text": chat(None),
    "a list": (200, b"[1]"),
    "an error": (500, b"oops"),
    "endless": (200, b"x" * (LONGEST_REPLY + 9)),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_a_counted_failure_beside_good_answers(serve: Any, what: str) -> None:
    told = replies(serve(lambda text: NONSENSE[what] if text == "bad" else chat("ok")), ["a", "bad", "b"])
    assert [reply.text for reply in told] == ["ok", "", "ok"]
    assert [reply.failure is None for reply in told] == [True, False, True]


def test_a_server_that_stumbles_once_is_asked_again(serve: Any) -> None:
    asked: list[str] = []

    def stumble(text: str) -> Answer:
        asked.append(text)
        return (503, b"") if len(asked) == 1 else chat("ok")

    assert replies(serve(stumble), ["a"])[0] == Reply("ok")
    assert asked == ["a", "a"]


def test_a_refusal_is_not_asked_again(serve: Any) -> None:
    asked: list[str] = []

    def refuse(text: str) -> Answer:
        asked.append(text)
        return (401, b"no key") if text == "a" else chat("ok")

    assert "HTTP 401" in str(replies(serve(refuse), ["a", "b"])[0].failure)
    assert asked.count("a") == 1


def test_a_server_that_hangs_is_given_up_on(serve: Any) -> None:
    def hang(text: str) -> Answer:
        time.sleep(5 if text == "bad" else 0)
        return chat("ok")

    told = replies(serve(hang), ["a", "bad"], timeout=0.2)
    assert (told[0], told[1].text) == (Reply("ok"), "")
    assert "timed out" in str(told[1].failure)


def test_a_server_that_drips_its_answer_hangs_as_well(serve: Any) -> None:
    """Every wait for a byte is short, all of them together are not."""
    over = threading.Event()

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        connection.recv(1 << 16)
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
                        while not over.wait(0.05):
                            connection.sendall(b" ")

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(UserError, match=r"no whole reply within 0\.3 s"):
            replies(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", ["a"], timeout=0.3)
        over.set()


def test_a_server_that_is_given_up_on_is_not_waited_for(serve: Any) -> None:
    """Eight refusals end it, although another question still hangs."""
    over = threading.Event()

    def answer(text: str) -> Answer:
        if text == "hang":
            over.wait(60)
        return 401, b"no key"

    began = time.monotonic()
    with pytest.raises(UserError, match="HTTP 401"):
        replies(serve(answer), ["hang", *"abcdefgh"], timeout=60.0)
    assert time.monotonic() - began < 30
    over.set()


def test_a_server_that_is_not_there_is_said_so(serve: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(UserError, match="does not answer"):
        replies(url, ["a"] * 20)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "127.0.0.1:8000", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="not a server's address"):
        Server(url, "m")


def test_likelihoods_cannot_be_had_from_a_server() -> None:
    with pytest.raises(UserError, match="does not tell likelihoods"):
        Server("http://127.0.0.1:1/v1", "m").weigh([Weighed("a", "b")], lambda place, reply: None)


@pytest.mark.trains
def test_llamafactory_api_says_what_the_folder_says(tiny_model: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cli = Path(sys.executable).parent / "llamafactory-cli"
    env = {**os.environ, "API_HOST": "127.0.0.1", "API_PORT": str(port), "API_MODEL_NAME": "tiny"}
    command = [
        str(cli),
        "api",
        "--model_name_or_path",
        str(tiny_model),
        "--template",
        "qwen",
        "--infer_dtype",
        "float32",
    ]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        _until_it_answers(server, f"{url}/models", tmp_path / "log")
        asked = [Asked([{"role": "user", "content": text}], 12) for text in ("头疼三天", "hello", "1 2 3")]
        found: dict[str, dict[int, Reply]] = {"server": {}, "folder": {}}
        Server(url, "tiny").answer(asked, found["server"].__setitem__)
        Local(tiny_model).answer(asked, found["folder"].__setitem__)
        assert [found["server"][n].text for n in range(3)] == [found["folder"][n].text for n in range(3)]
    finally:
        server.terminate()
        server.wait(30)


def _until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  (our own server)
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail(log.read_text(errors="replace"))
