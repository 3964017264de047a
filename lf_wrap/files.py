"""Files that are written whole or not at all, locks between processes, and content hashes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import xxhash

from lf_wrap.errors import UserError


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """A binary handle whose content becomes `path` when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text to `path`, whole or not at all."""
    with atomic_write(path) as handle:
        handle.write(text.encode("utf-8"))


def take_place(made: Path, target: Path) -> None:
    """Renames the folder `made` to `target`. One that is there goes aside first and is deleted last: whoever looks,
    or kills us, finds a whole folder or none."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    made.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a JSONL file that is still growing: what was cut off, or is being written, is passed over.

    Lines end at `\\n` alone: the others that `str.splitlines` knows may stand inside a text. No file has no lines.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a hidden lock beside `path` against other processes for the block."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / f".{path.name}.lock"):
        yield


def sha256(path: Path) -> str:
    """The SHA-256 of a file, or of all files of a folder with their relative names, in hex."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def known_sha256(file: Path) -> str:
    """The SHA-256 of a file; read once by this process while the file's size and time of change stay the same.

    Of a folder it is `sha256`'s, read anew each time: its own time tells nothing of its files.
    """
    if file.is_dir():
        return sha256(file)
    facts = file.stat()
    return _sha256_of(file.absolute(), facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=4096)
def _sha256_of(file: Path, changed: int, size: int) -> str:
    return sha256(file)


def content_hash(path: Path) -> str:
    """The XXH3-128 of a file, or of all files of a folder with their relative names, in hex.

    Tells whether anything changed, at the disk's speed. No proof against forgery.
    """
    digest = xxhash.xxh3_128()
    if path.is_dir():
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()}\0{content_hash(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def existing_file(path: Path, fix: str | None = None) -> Path:
    """`path`, if it is a file with something in it.

    Raises:
        UserError: it is missing, a folder, or empty.
    """
    if not path.exists():
        raise UserError(f"{shown(path)} does not exist", fix=fix or "check the path")
    if path.is_dir():
        raise UserError(f"{shown(path)} is a folder, not a file", fix="name the files in it")
    if path.stat().st_size == 0:
        raise UserError(f"{shown(path)} is empty (0 bytes)", fix="fetch it again: a download was probably cut off")
    return path


def user_cache() -> Path:
    """Where lfw keeps what can be made again, for all workspaces of a user: `$XDG_CACHE_HOME/lfw`, else `~/.cache/lfw`.

    As the XDG Base Directory Specification says, a relative path in the variable does not count.
    """
    said = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (said if said.is_absolute() else Path.home() / ".cache") / "lfw"


def shown(path: Path | str) -> str:
    """A path as it may be printed and stored: relative to the working directory, or with `~` for the home."""
    absolute = Path(path).absolute()
    for anchor, prefix in ((Path.cwd(), ""), (Path.home(), "~/")):
        if absolute.is_relative_to(anchor):
            return prefix + absolute.relative_to(anchor).as_posix()
    return absolute.as_posix()


def usable(path: Path | str) -> str:
    """A path for a config file that a program run from the working directory opens.

    Paths below the home or the working directory are written relative to the working directory, so that no
    home path stands in a file that may be shared; others stay absolute.
    """
    absolute = Path(path).absolute()
    if absolute.is_relative_to(Path.cwd()) or absolute.is_relative_to(Path.home()):
        return Path(os.path.relpath(absolute)).as_posix()
    return absolute.as_posix()
