"""Memory, disk and ports."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import psutil

from lf_wrap.doctor.finding import Finding
from lf_wrap.files import shown

ROOM = 20 << 30  # bytes: a 7B model and its export in bf16 are 15 GB each
SHARED_ROOM = 1 << 30  # Docker gives 64 MB, in which a dataloader's workers die of SIGBUS
PORTS = {7860: "LLaMA Board (`lfw webui`)", 8000: "`llamafactory-cli api`", 29500: "torchrun's rendezvous"}


def machine(folder: Path) -> list[Finding]:
    return [_memory(), *_shared_memory(), *_disks(folder), *(_port(port, use) for port, use in PORTS.items())]


def _memory() -> Finding:
    from lf_wrap.dataset import cores  # here, or a broken numpy would keep everything else from being told

    memory = psutil.virtual_memory()
    said = f"{memory.available / 2**30:,.1f} of {memory.total / 2**30:,.1f} GiB free, {cores()} cores"
    return Finding("machine", "memory", "ok", said)


def _shared_memory() -> list[Finding]:
    shared = Path("/dev/shm")  # noqa: S108  (looked at, not written)
    if not shared.is_dir():
        return []
    size = shutil.disk_usage(shared).total
    if size < SHARED_ROOM:
        said = f"{size / 2**20:,.0f} MiB in /dev/shm: dataloader workers need more"
        return [Finding("machine", "shared memory", "note", said, fix="docker run --shm-size=16g …")]
    return [Finding("machine", "shared memory", "ok", f"{size / 2**30:,.1f} GiB in /dev/shm")]


def _disks(folder: Path) -> list[Finding]:
    """The disks of the workspace and of the hubs' caches, each once."""
    wanted = {
        "workspace": folder,
        "HF_HOME": Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser(),
        "MODELSCOPE_CACHE": Path(os.environ.get("MODELSCOPE_CACHE") or "~/.cache/modelscope").expanduser(),
    }
    return [_disk(name, path) for name, path in wanted.items()]


def _disk(name: str, path: Path) -> Finding:
    there = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / 2**30:,.1f} GiB free at {shown(path)}"
    if not os.access(there, os.W_OK):
        return Finding(
            "machine",
            name,
            "bad",
            f"{shown(path)} cannot be written",
            fix=f"chmod u+w {shown(there)}, or work elsewhere",
        )
    if free < ROOM:
        return Finding(
            "machine", name, "note", f"{said}: little for a model", fix=f"du -sh {shown(there)}/* (shows what is large)"
        )
    return Finding("machine", name, "ok", said)


def _port(port: int, use: str) -> Finding:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError as error:
            return Finding(
                "machine",
                f"port {port}",
                "note",
                f"taken ({error.strerror})",
                use,
                f"ss -ltnp 'sport = :{port}' (shows who)",
            )
    return Finding("machine", f"port {port}", "ok", "free", use)
