"""Folders are pushed through the hubs' real SDKs to a small server on loopback that takes them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lf_wrap.errors import UserError
from lf_wrap.hub import push, push_target

TOKEN = "hf_not-a-real-token"
WEIGHTS = b"\0\1\2" * 5_000


@dataclass
class Taken:
    """What the server was given."""

    files: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    refuses: bool = False
    address: str = ""


class _Server(BaseHTTPRequestHandler):
    taken: Taken
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer({})

    def do_GET(self) -> None:
        self._answer({})

    def do_PUT(self) -> None:
        self.taken.blobs[self.path.rpartition("/")[2]] = self._body()
        self._answer({"Code": 200, "Success": True, "Data": {}})

    def do_POST(self) -> None:
        body = self._body()
        self.taken.tokens.add(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if self.taken.refuses:
            self._answer({"error": f"token {TOKEN} may not write", "Message": "no", "Success": False}, 403)
        elif self.path.endswith("/commit/main"):
            self._huggingface_commit([json.loads(line) for line in body.splitlines()])
        elif "/commit/" in self.path:
            self._modelscope_commit(json.loads(body))
        elif self.path.endswith("/preupload/main"):
            modes = [
                {"path": one["path"], "uploadMode": "lfs" if one["size"] > 1000 else "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self._answer({"files": modes})
        elif self.path.endswith("/objects/batch"):
            asked = json.loads(body)["objects"]
            href = self.taken.address + "/blobs/"
            objects = [{**one, "actions": {"upload": {"href": href + one["oid"]}}} for one in asked]
            self._answer({"transfer": "basic", "objects": objects, "Data": {"objects": objects}})
        elif self.path.endswith("/validate-yaml"):
            self._answer({"errors": [], "warnings": []})
        else:
            self.taken.created.append(json.loads(body or b"{}"))
            self._answer({"url": f"{self.taken.address}/me/tuned", "Code": 200, "Success": True, "Data": {}})

    def _huggingface_commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.taken.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.taken.files[value["path"]] = self.taken.blobs[value["oid"]]
        url = f"{self.taken.address}/me/tuned/commit/0"
        self._answer({"commitUrl": url, "commitOid": "0" * 40, "hookOutput": "", "success": True})

    def _modelscope_commit(self, commit: dict[str, Any]) -> None:
        for action in commit["actions"]:
            content = base64.b64decode(action["content"]) if action["type"] == "normal" else None
            self.taken.files[action["path"]] = self.taken.blobs[action["sha256"]] if content is None else content
        self._answer({"Code": 200, "Success": True, "Data": {}})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, body: object, status: int = 200) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Taken]:
    taken = Taken()
    handler = type("Handler", (_Server,), {"taken": taken})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    taken.address = f"http://127.0.0.1:{server.server_port}"
    for variable in ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT"):
        monkeypatch.setenv(variable, taken.address)
    for variable in ("HF_TOKEN", "MODELSCOPE_API_TOKEN"):
        monkeypatch.setenv(variable, TOKEN)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    yield taken
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.safetensors").write_bytes(WEIGHTS)
    (tmp_path / "model/config.json").write_text("{}")
    (tmp_path / "model/README.md").write_text("someone else's card")
    (tmp_path / "model/.hidden").write_text("not for others")
    return tmp_path / "model"


@pytest.mark.parametrize("hub", ["huggingface", "modelscope"])
def test_every_file_arrives_with_the_card(taken: Taken, folder: Path, hub: str) -> None:
    url = push(push_target(f"{hub}:me/tuned"), folder, "# tuned\n")
    assert taken.files == {"model.safetensors": WEIGHTS, "config.json": b"{}", "README.md": b"# tuned\n"}
    assert hashlib.sha256(WEIGHTS).hexdigest() in taken.blobs  # large files go their own way
    assert url.startswith(taken.address)
    assert url.endswith("me/tuned")
    assert taken.created, "a repository is made where there is none"
    assert TOKEN in taken.tokens or hub == "modelscope"  # ModelScope's client sends it as a cookie
    assert (folder / "README.md").read_text() == "someone else's card"


def test_a_repository_is_private_unless_it_is_said(taken: Taken, folder: Path) -> None:
    push(push_target("huggingface:me/tuned"), folder, "")
    push(push_target("huggingface:me/tuned"), folder, "", private=False)
    assert [made.get("private", made.get("visibility")) for made in taken.created] in (
        [True, False],
        ["private", "public"],
    )


@pytest.mark.parametrize("hub", ["huggingface", "modelscope"])
def test_a_refusal_is_told_without_the_token(taken: Taken, folder: Path, hub: str) -> None:
    taken.refuses = True
    with pytest.raises(UserError, match="did not take me/tuned") as refused:
        push(push_target(f"{hub}:me/tuned"), folder, "")
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(("hub", "variable"), [("huggingface", "HF_TOKEN"), ("modelscope", "MODELSCOPE_API_TOKEN")])
def test_without_a_token_nothing_is_begun(
    taken: Taken, monkeypatch: pytest.MonkeyPatch, hub: str, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(UserError, match=f"{variable} is not set"):
        push_target(f"{hub}:me/tuned")
    assert taken.created == []


@pytest.mark.parametrize("said", ["me/tuned", "github:me/tuned", "huggingface:tuned", "huggingface:../tuned"])
def test_what_is_no_target_is_refused(taken: Taken, said: str) -> None:
    with pytest.raises(UserError, match=re.compile("names no hub|no model id")):
        push_target(said)


def test_a_hub_that_does_not_answer_is_told_before_hours_of_export(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="does not answer"):
        push_target("huggingface:me/tuned")
