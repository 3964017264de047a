"""The hardware a recipe will meet, without importing torch: `nvidia-smi` answers in a fraction of a second."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from itertools import takewhile

from lf_wrap.dataset import cores
from lf_wrap.errors import UserError

BF16_SINCE = 8.0  # compute capability of Ampere, the first with bf16 matrix units
SECONDS_TO_ANSWER = 30


@dataclass(frozen=True)
class Gpu:
    name: str
    memory_bytes: int | None
    """None where the GPU has none of its own but shares the CPU's."""
    compute_capability: float


@dataclass(frozen=True)
class Nodes:
    """The machines of one training: how many, which of them this is, and where they find the first."""

    count: int = 1
    rank: int = 0
    host: str | None = None
    port: int | None = None


@dataclass(frozen=True)
class Hardware:
    """What a training meets: this machine's GPUs (none means that it runs on the CPU), and the nodes beside it."""

    gpus: tuple[Gpu, ...]
    cores: int
    processes: int | None = None
    """Of the training, on this machine: one a GPU, or one on the CPU, where nothing else was wished."""
    nodes: Nodes = Nodes()
    visible: str | None = None
    """What CUDA_VISIBLE_DEVICES must say, where only some of the GPUs were wished."""

    @property
    def local_size(self) -> int:
        """The processes that train on this machine."""
        return self.processes or max(1, len(self.gpus))

    @property
    def world_size(self) -> int:
        """The processes that train, on all machines: each of them takes a batch of its own."""
        return self.local_size * self.nodes.count

    @property
    def bf16(self) -> bool:
        return bool(self.gpus) and all(gpu.compute_capability >= BF16_SINCE for gpu in self.gpus)

    def __str__(self) -> str:
        here = ", ".join(gpu.name for gpu in self.gpus) or f"{self.cores} CPU cores, no GPU"
        split = f", {self.processes} processes" if self.processes and self.processes != max(1, len(self.gpus)) else ""
        return here + split + (f", on each of {self.nodes.count} nodes" if self.nodes.count > 1 else "")


def detect_hardware() -> Hardware:
    """The GPUs that CUDA programs started from here would see, and the cores this process may use.

    Raises:
        UserError: `nvidia-smi` hangs.
    """
    return Hardware(tuple(_visible(_nvidia_gpus())), cores())


def _nvidia_gpus() -> dict[str, Gpu]:
    """Every GPU by its UUID, in the driver's order."""
    if not shutil.which("nvidia-smi"):
        return {}
    query = ["nvidia-smi", "--query-gpu=uuid,memory.total,compute_cap,name", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"nvidia-smi has not answered for {SECONDS_TO_ANSWER} seconds",
            fix="the GPU or its driver hangs: once `nvidia-smi` answers (a restart of the machine helps), try again",
        ) from None
    if answer.returncode != 0:  # a driver without a card answers so
        return {}
    lines = [[cell.strip() for cell in line.split(",", 3)] for line in answer.stdout.splitlines() if line.strip()]
    return {
        uuid: Gpu(name, int(memory) << 20 if memory.isdecimal() else None, float(capability))
        for uuid, memory, capability, name in lines
    }


def _visible(gpus: dict[str, Gpu]) -> list[Gpu]:
    """What CUDA_VISIBLE_DEVICES leaves, as CUDA reads it.

    It holds numbers or UUIDs, as its first entry does, and counts up to the first entry that is no GPU or of the other
    kind; a GPU that stands in it twice leaves none.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return list(gpus.values())
    entries = [entry.strip() for entry in chosen.split(",")]
    named = _numbered if entries[0].isdecimal() else _begun
    found = list(takewhile(bool, (named(entry, list(gpus)) for entry in entries)))
    return [gpus[uuid] for uuid in found] if len(set(found)) == len(found) else []


def _numbered(entry: str, uuids: list[str]) -> str:
    """The UUID of the GPU with this number; empty when there is none."""
    return uuids[int(entry)] if entry.isdecimal() and int(entry) < len(uuids) else ""


def _begun(entry: str, uuids: list[str]) -> str:
    """The one UUID that begins like this; empty when there is none or more than one."""
    begun = [uuid for uuid in uuids if entry.startswith("GPU-") and uuid.startswith(entry)]
    return begun[0] if len(begun) == 1 else ""
