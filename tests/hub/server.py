"""A small server on loopback that answers as both hubs do: their paths, their headers, their ranges.

It can misbehave: break a file off halfway, serve other bytes than it lists, list names that climb out of the folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1000  # bytes from which Hugging Face keeps a file in LFS, with a SHA-256


@dataclass
class Repositories:
    """What the server has: {(kind, id): {path: content}}, and how it misbehaves."""

    files: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    breaks_off: Counter[str] = field(default_factory=Counter)
    """How many times a path is still to be broken off halfway."""
    serves: dict[str, bytes] = field(default_factory=dict)
    """What is served instead of what is listed."""
    gated: set[str] = field(default_factory=set)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, Range header)"""
    address: str = ""
    slow: float = 0.0
    """Seconds that a file takes at least."""
    answering: int = 0
    most_at_once: int = 0
    """How many files were on their way at the same time, at most."""
    counting: Lock = field(default_factory=Lock)

    @contextmanager
    def counted(self) -> Iterator[None]:
        with self.counting:
            self.answering += 1
            self.most_at_once = max(self.most_at_once, self.answering)
        yield
        with self.counting:
            self.answering -= 1

    def ranges_asked(self, path: str) -> list[str]:
        return [asked for method, said, asked in self.requests if method == "GET" and path in unquote(said) and asked]

    def downloads(self, path: str) -> int:
        marks = (f"/resolve/{COMMIT}/{path}", f"FilePath={path}")
        return sum(
            method == "GET" and any(mark in unquote(said) for mark in marks) for method, said, _ in self.requests
        )


@contextmanager
def serving(repositories: Repositories) -> Iterator[Repositories]:
    class Handler(_Hub):
        has = repositories

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    repositories.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield repositories
    finally:
        server.shutdown()
        server.server_close()


class _Hub(BaseHTTPRequestHandler):
    has: Repositories
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.has.requests.append((self.command, self.path, self.headers.get("Range", "")))
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = unquote(parts.path)
        for pattern, answer in ROUTES:
            if found := re.fullmatch(pattern, path):
                answer(self, asked=asked, **found.groupdict())
                return
        self._json({})

    def huggingface_info(self, kind: str, repo: str, asked: dict[str, str]) -> None:
        if repo in self.has.gated:
            self._json({"error": "gated"}, 403, {"X-Error-Code": "GatedRepo"})
        elif (kind, repo) not in self.has.files:
            self._json({"error": "Repository not found"}, 401, {"X-Error-Code": "RepoNotFound"})
        else:
            self._json({"id": repo, "modelId": repo, "sha": COMMIT, "private": False, "tags": [], "downloads": 0})

    def huggingface_tree(self, kind: str, repo: str, asked: dict[str, str]) -> None:
        listed = []
        for path, content in self.has.files[kind, repo].items():
            entry = {"type": "file", "path": path, "size": len(content), "oid": _git_blob(content)}
            if len(content) >= LARGE:
                entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
            listed.append(entry)
        self._json(listed)

    def huggingface_file(self, repo: str, path: str, asked: dict[str, str], kind: str | None = None) -> None:
        content = self.has.files["dataset" if kind else "model", repo][path]
        etag = hashlib.sha256(content).hexdigest() if len(content) >= LARGE else _git_blob(content)
        self._file(path, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def modelscope_tree(self, kind: str, repo: str, asked: dict[str, str]) -> None:
        if (kind, repo) not in self.has.files:
            self._json({"Code": 10010205001, "Message": "not found", "Success": False}, 404)
            return
        listed = [
            {"Path": path, "Name": path, "Size": len(c), "Type": "blob", "Sha256": hashlib.sha256(c).hexdigest()}
            for path, c in self.has.files[kind, repo].items()
        ]
        page = int(asked.get("PageNumber", 1))
        self._json({"Code": 200, "Success": True, "Data": {"Files": listed if page == 1 else []}})

    def modelscope_file(self, kind: str, repo: str, asked: dict[str, str]) -> None:
        path = asked["FilePath"]
        self._file(path, self.has.files[kind, repo][path], {})

    def _file(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        content = self.has.serves.get(path, content)
        start = 0
        if ranged := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(ranged.group(1))
            headers |= {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self.send_response(206 if ranged else 200)
        for name, value in {**headers, "Accept-Ranges": "bytes", "Content-Length": str(len(content) - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        with self.has.counted():
            time.sleep(self.has.slow)
        if self.has.breaks_off[path] > 0:
            self.has.breaks_off[path] -= 1
            self.wfile.write(content[start : (start + len(content)) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content[start:])

    def _json(self, body: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(text)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


REPO = r"(?P<repo>[^/]+/[^/]+)"
ROUTES = [
    (rf"/api/(?P<kind>model|dataset)s/{REPO}(?:/revision/[^/]+)?", _Hub.huggingface_info),
    (rf"/api/(?P<kind>model|dataset)s/{REPO}/tree/[^/]+", _Hub.huggingface_tree),
    (rf"/api/v1/(?P<kind>model|dataset)s/{REPO}/repo/(?:files|tree)", _Hub.modelscope_tree),
    (rf"/api/v1/(?P<kind>model|dataset)s/{REPO}/repo", _Hub.modelscope_file),
    (rf"/(?P<kind>datasets)/{REPO}/resolve/[^/]+/(?P<path>.+)", _Hub.huggingface_file),
    (rf"/{REPO}/resolve/[^/]+/(?P<path>.+)", _Hub.huggingface_file),
]


def _git_blob(content: bytes) -> str:
    return hashlib.sha1(  # noqa: S324  (git names contents so)
        f"blob {len(content)}\0".encode() + content
    ).hexdigest()
