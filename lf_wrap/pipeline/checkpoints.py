"""Checkpoints, and whether all of one is there, so that a training can go on from it as if it had never stopped.

The layouts are those of `transformers.Trainer._save_checkpoint` and `_load_from_checkpoint` (5.6), and DeepSpeed's
`engine.save_checkpoint`. Files are looked at from their ends, not read through: a process that was killed leaves them
missing or short. What a power failure does inside a file of the right length is not seen.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

NAME = re.compile(r"checkpoint-(\d+)")
STATE = "trainer_state.json"
UNDER_WAY = "checkpoint-is-incomplete.txt"  # transformers.trainer_jit_checkpoint
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin", "model.safetensors", "pytorch_model.bin")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
TENSORS = ("*.safetensors", "*.pt", "*.pth", "*.bin")
RANK_STATE = re.compile(r"rng_state_(\d+)\.pth")
ZERO_STATES = {  # ZeRO 1 and 2 divide the optimizer among the processes, ZeRO 3 the model too
    what: re.compile(rf"(?:bf16_)?zero_pp_rank_(\d+)_mp_rank_\d+_{what}_states\.pt") for what in ("optim", "model")
}


@dataclass(frozen=True)
class Checkpoint:
    """A folder `checkpoint-<step>`."""

    path: Path
    step: int

    def state(self) -> dict[str, Any]:
        """The trainer's state: its step, its log so far.

        Raises:
            ValueError, OSError: it cannot be read.
        """
        state: dict[str, Any] = json.loads((self.path / STATE).read_text(encoding="utf-8"))
        return state


def checkpoints(weights: Path) -> list[Checkpoint]:
    """All that lie in the folder that training writes to, oldest first, whole or not."""
    found = (Checkpoint(path, int(named[1])) for path in weights.glob("*") if (named := NAME.fullmatch(path.name)))
    return sorted(found, key=lambda checkpoint: checkpoint.step)


def flaw(checkpoint: Checkpoint, processes: int) -> str | None:
    """What keeps a training of so many `processes` from going on from there; None when all of it is there."""
    folder = checkpoint.path
    return next(chain(_state(checkpoint), _weights(folder), _optimizer(folder), _randomness(folder, processes)), None)


def _state(checkpoint: Checkpoint) -> Iterator[str]:
    if (checkpoint.path / UNDER_WAY).exists():
        yield "it was still being written"
    for file in sorted(chain.from_iterable(checkpoint.path.rglob(pattern) for pattern in TENSORS)):
        if not _whole(file):
            yield f"{file.relative_to(checkpoint.path)} is cut off"
    try:
        step = checkpoint.state()["global_step"]
    except (OSError, ValueError, KeyError):
        yield f"{STATE} is missing or cut off"  # it is written last
    else:
        if step != checkpoint.step:
            yield f"{STATE} is of step {step}"


def _weights(folder: Path) -> Iterator[str]:
    deepspeed = _deepspeed(folder)
    if deepspeed is not None:
        if not any(deepspeed.glob("*model_states.pt")):
            yield f"{deepspeed.name} has no model states"
        return
    for index in (folder / name for name in INDEXES if (folder / name).exists()):
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError):
            yield f"{index.name} is cut off"
        else:
            yield from (f"{shard} is missing" for shard in sorted(shards) if not (folder / shard).exists())
        return
    if not any((folder / name).exists() for name in WEIGHTS) and not _fsdp(folder, "pytorch_model_fsdp*"):
        yield "it has no weights"


def _optimizer(folder: Path) -> Iterator[str]:
    if (folder / "latest").exists():
        return  # DeepSpeed's model states hold the scheduler, _randomness counts the optimizers
    if not (folder / "optimizer.pt").exists() and not _fsdp(folder, "optimizer*"):
        yield "it has no optimizer state"
    if not (folder / "scheduler.pt").exists():
        yield "it has no scheduler state"


def _randomness(folder: Path, processes: int) -> Iterator[str]:
    """The states that each process writes by itself."""
    if processes == 1 and not (folder / "latest").exists():
        if not (folder / "rng_state.pth").exists():
            yield "it has no random state"
        return
    wanted = set(range(processes))
    if processes > 1 and _ranks(folder, RANK_STATE) != wanted:
        yield f"it does not have the random states of {processes} processes"
    deepspeed = _deepspeed(folder)
    if deepspeed is None:
        return
    for what, name in ZERO_STATES.items():
        ranks = _ranks(deepspeed, name)
        if ranks and ranks != wanted:
            yield f"{deepspeed.name} does not have the {what} states of {processes} processes"


def _deepspeed(folder: Path) -> Path | None:
    """The folder of DeepSpeed's own files, `global_step<n>`, which its `latest` names."""
    latest = folder / "latest"
    return folder / latest.read_text(encoding="utf-8").strip() if latest.exists() else None


def _fsdp(folder: Path, name: str) -> bool:
    """Whether FSDP's file is there, or its folder of shards, whose `.metadata` is written last."""
    return any(path.is_file() or (path / ".metadata").exists() for path in folder.glob(name))


def _ranks(folder: Path, name: re.Pattern[str]) -> set[int]:
    return {int(found[1]) for path in folder.glob("*") if (found := name.fullmatch(path.name))}


def _whole(file: Path) -> bool:
    """Whether a file of tensors is as long as it says itself: safetensors in its head, torch's zip in its end."""
    if file.suffix != ".safetensors":
        return zipfile.is_zipfile(file)
    with file.open("rb") as handle:
        head = int.from_bytes(handle.read(8), "little")
        size = file.stat().st_size
        try:
            tensors = json.loads(handle.read(min(head, size)))
            ends = [tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__"]
        except (ValueError, AttributeError, KeyError, TypeError):
            return False
    return bool(size == 8 + head + max(ends, default=0))
