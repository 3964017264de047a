"""A model or dataset from its hub into a folder: listed, checked, downloaded, verified, recorded."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import locked, shown, write_text
from lf_wrap.hub.huggingface import HuggingFace
from lf_wrap.hub.modelscope import ModelScope
from lf_wrap.hub.names import HubId, HubName, Kind
from lf_wrap.hub.reach import why_not
from lf_wrap.hub.remote import Hub, NotOnHubError, RemoteFile, UnreachableError, refuse_escapes

RECORD = ".lfw-fetched.json"  # hidden: no data file, no part of a model
OnBytes = Callable[[int, int], None]
SECONDS_BETWEEN_LOOKS = 0.5
AT_ONCE = 4  # small files; hubs answer more with 429
LARGE = 16 << 20  # bytes from which the line is what takes time
CLIENTS: dict[HubName, Hub] = {"modelscope": ModelScope(), "huggingface": HuggingFace()}
# The same weights for other programs: LLaMA-Factory reads safetensors where there are some.
OTHER_WEIGHTS = ("*.bin", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.ot", "original/*", "onnx/*", "openvino/*")


@dataclass(frozen=True)
class Fetched:
    """What lies in `folder`, and how it is known to be whole."""

    kind: Kind
    id: str
    hub: HubName
    revision: str
    folder: str
    files: int
    bytes: int
    checked: int
    """Of how many files the hub gave a checksum, and it was right."""


def fetch(what: HubId, folder: Path, on_bytes: OnBytes = lambda done, total: None) -> Fetched:
    """`folder` with all files of `what` in it, whole. Files that are there and right are not downloaded again.

    Asked where `what` says; else on ModelScope alone when `USE_MODELSCOPE_HUB=1` and on Hugging Face alone when it is
    0; else on ModelScope, and on Hugging Face when it is not found there. `on_bytes` hears how many bytes of how many
    are here, from a thread of its own.

    Raises:
        UserError: no hub answers or has it, a name would leave the folder, the disk is too small, or a checksum is
            wrong; what was wrong is deleted.
    """
    hub, revision, files = _listed(what, folder)
    refuse_escapes(files, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / RECORD), _quiet():
        missing = [file for file in files if not file.is_whole(folder)]
        _refuse_too_large(missing, folder)
        with _watched(folder, files, on_bytes):
            _download_all(missing, lambda file: _download(hub, what, revision, file, folder))
        done = Fetched(
            what.kind,
            what.id,
            hub.name,
            revision,
            shown(folder),
            files=len(files),
            bytes=sum(file.size for file in files),
            checked=sum(1 for file in files if file.sha256 or file.git_blob),
        )
        names = {file.path: asdict(file) for file in files}
        write_text(folder / RECORD, json.dumps({**asdict(done), "folder": ".", "listing": names}, indent=2) + "\n")
    return done


def fetched(folder: Path) -> dict[str, Any] | None:
    """What `fetch` recorded in `folder` when it had everything; None where it has not, or a file has gone since."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        whole = all((folder / path).stat().st_size == file["size"] for path, file in record["listing"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if whole else None


def _listed(what: HubId, folder: Path) -> tuple[Hub, str, list[RemoteFile]]:
    """The first hub that has it, and what it has."""
    refusals: list[UserError] = []
    for hub in (CLIENTS[name] for name in _asked(what)):
        try:
            if why := why_not(hub.name):
                raise UnreachableError(why)
            with _quiet():
                revision, files = hub.listing(what.kind, what.id)
        except (NotOnHubError, UnreachableError) as error:
            refusals.append(error)
            continue
        if files := _needed(what.kind, files):
            return hub, revision, files
        refusals.append(NotOnHubError(f"{hub.title}'s {what.kind} {what.id} holds no files"))
    said = "; ".join(refusal.what for refusal in refusals)
    if any(isinstance(refusal, UnreachableError) for refusal in refusals):
        raise UnreachableError(f"{what.kind} {what.id} cannot be fetched: {said}", fix=_by_hand(what, folder))
    raise NotOnHubError(f"{what.kind} {what.id} cannot be fetched: {said}", fix=refusals[0].fix or "check the id")


def _asked(what: HubId) -> list[HubName]:
    if what.hub:
        return [what.hub]
    chosen = os.environ.get("USE_MODELSCOPE_HUB", "").strip().lower()
    if chosen in {"1", "true", "y"}:
        return ["modelscope"]
    return ["huggingface"] if chosen in {"0", "false", "n"} else ["modelscope", "huggingface"]


def _by_hand(what: HubId, folder: Path) -> str:
    """What to do without a way to the hub."""
    mirror = "" if os.environ.get("HF_ENDPOINT") else "set HF_ENDPOINT to a mirror, or "
    kept = "config.json, the tokenizer files and the weights" if what.kind == "model" else "the data files"
    return (
        f"{mirror}download {what.id} in a browser or on another machine ({kept}) and put the files into "
        f"{shown(folder)}/: nothing else is needed"
    )


def _needed(kind: Kind, files: list[RemoteFile]) -> list[RemoteFile]:
    if kind == "dataset" or not any(file.path.endswith(".safetensors") for file in files):
        return files
    return [file for file in files if not any(fnmatchcase(file.path, pattern) for pattern in OTHER_WEIGHTS)]


def _refuse_too_large(missing: list[RemoteFile], folder: Path) -> None:
    needed, free = sum(file.size for file in missing), shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{needed / 1e9:,.1f} GB are still to come and {free / 1e9:,.1f} GB are free",
            where=shown(folder),
            fix="make room, or give another folder with --to",
        )


def _download_all(files: list[RemoteFile], download: Callable[[RemoteFile], None]) -> None:
    """Small files a few at a time, since each costs a round trip or two; then large ones one after the other, since
    one fills the line, and Ctrl-C need not wait for the rest of several.

    Raises:
        UserError: of the first file in the list's order that failed; what had not begun by then does not begin.
    """
    small = [file for file in files if file.size < LARGE]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch") as pool:
        downloads = [pool.submit(download, file) for file in small]
        try:
            for one in downloads:
                one.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    for file in files:
        if file.size >= LARGE:
            download(file)


def _download(hub: Hub, what: HubId, revision: str, file: RemoteFile, folder: Path) -> None:
    again = "the same command goes on where this one stopped"
    try:
        hub.download(what.kind, what.id, revision, file, folder)
    except OSError as error:
        if error.errno and not isinstance(error, ConnectionError | TimeoutError):
            raise  # the disk's fault, not the line's
        raise UserError(f"the download of {file.path} broke off: {_first_line(error)}", fix=again) from None
    except Exception as error:  # noqa: BLE001  (each hub's client and its HTTP library raise kinds of their own)
        raise UserError(f"the download of {file.path} broke off: {_first_line(error)}", fix=again) from None
    if not file.is_whole(folder):
        (folder / file.path).unlink(missing_ok=True)
        raise UserError(
            f"{file.path} is not what {hub.title} says it is: its size or checksum differs; it was deleted",
            where=shown(folder),
            fix="fetch it again; if it stays so, a proxy or mirror changes files: use another",
        )


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the SDKs' own bars and log lines off the screen: ours says how far it is."""
    # Both are read when the SDKs are imported.
    wanted = {"TQDM_DISABLE": "1", "MODELSCOPE_LOG_LEVEL": "CRITICAL"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    for name in ("modelscope_hub", "modelscope", "huggingface_hub", "httpx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _watched(folder: Path, files: list[RemoteFile], on_bytes: OnBytes) -> Iterator[None]:
    """Tells `on_bytes` what lies in the folder while the block runs: both SDKs keep what has come so far beside it."""
    total, ended = sum(file.size for file in files), threading.Event()

    def look() -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            on_bytes(min(_bytes_in(folder), total), total)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
    on_bytes(total, total)


def _bytes_in(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # a partial file is renamed when it is whole
            size += file.stat().st_size if file.is_file() else 0
    return size
