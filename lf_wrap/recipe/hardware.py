"""The hardware a recipe will meet, without importing torch: `nvidia-smi` answers in a fraction of a second."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

BF16_SINCE = 8.0  # compute capability of Ampere, the first with bf16 matrix units


@dataclass(frozen=True)
class Gpu:
    name: str
    memory_bytes: int
    compute_capability: float


@dataclass(frozen=True)
class Hardware:
    """What is in this machine; no GPUs means that everything runs on the CPU."""

    gpus: tuple[Gpu, ...]
    cores: int

    @property
    def bf16(self) -> bool:
        return bool(self.gpus) and all(gpu.compute_capability >= BF16_SINCE for gpu in self.gpus)

    def __str__(self) -> str:
        return ", ".join(gpu.name for gpu in self.gpus) or f"no GPU, {self.cores} CPU cores"


def detect_hardware() -> Hardware:
    """The GPUs that CUDA programs started from here would see, and the cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Hardware(tuple(_visible(_nvidia_gpus())), cores)


def _nvidia_gpus() -> list[Gpu]:
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    if answer.returncode != 0:  # a driver without a card answers so
        return []
    lines = [[cell.strip() for cell in line.split(",")] for line in answer.stdout.splitlines() if line.strip()]
    return [Gpu(name, int(memory) << 20, float(capability)) for name, memory, capability in lines]


def _visible(gpus: list[Gpu]) -> list[Gpu]:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return gpus
    numbers = [int(number) for number in chosen.split(",") if number.strip().isdigit()]
    return [gpus[number] for number in numbers if number < len(gpus)]
