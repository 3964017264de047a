"""What a hub hands out: files with sizes and checksums, and the ways in which it may refuse."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol

from lf_wrap.errors import UserError
from lf_wrap.files import sha256
from lf_wrap.hub.names import HubName, Kind


class NotOnHubError(UserError):
    """The hub has no such id, or hides it."""


class UnreachableError(UserError):
    """The hub does not answer."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on a hub. `sha256` is None where the hub gives none; `git_blob` then is git's own hash, if anything."""

    path: str
    size: int
    sha256: str | None = None
    git_blob: str | None = None

    def is_whole(self, folder: Path) -> bool:
        """Whether it lies in `folder` with the size and the checksum that the hub gives."""
        file = folder / self.path
        if not file.is_file() or file.stat().st_size != self.size:
            return False
        if self.sha256:
            return sha256(file) == self.sha256.lower()
        return self.git_blob is None or _git_blob(file) == self.git_blob


class Hub(Protocol):
    """One hub through its own SDK."""

    name: HubName
    title: str

    def listing(self, kind: Kind, repo_id: str) -> tuple[str, list[RemoteFile]]:
        """The revision that is current, and its files."""
        ...

    def download(self, kind: Kind, repo_id: str, revision: str, file: RemoteFile, folder: Path) -> None:
        """Puts the file at its path in `folder`; goes on where an earlier download broke off."""
        ...


def refuse_escapes(files: list[RemoteFile], folder: Path) -> None:
    """Refuses a listing of which any file would lie outside `folder`: names come from strangers.

    Raises:
        UserError: naming the file.
    """
    inside = folder.resolve()
    for file in files:
        parts = PurePosixPath(file.path).parts
        windows = PureWindowsPath(file.path)
        escapes = not parts or ".." in windows.parts or windows.is_absolute() or windows.drive or parts[0] == "/"
        if escapes or not (inside / file.path).resolve().is_relative_to(inside):
            raise UserError(
                f"the hub lists a file that would be written outside the folder: {file.path!r}",
                fix="do not trust this repository; nothing was written",
            )


def _git_blob(file: Path) -> str:
    """The name git gives the file's content: SHA-1 of `blob <size>\\0` and the content."""
    digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
