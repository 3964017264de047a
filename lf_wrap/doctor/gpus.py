"""The GPUs, as the driver tells of them; torch is asked in a process of its own, and only where there are any."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from lf_wrap.doctor.finding import Finding
from lf_wrap.doctor.packages import torch_cuda

SECONDS_TO_ANSWER = 60
QUERY = "index,name,memory.total,memory.free,driver_version"
ASK_TORCH = "import json, torch; print(json.dumps([torch.cuda.is_available(), torch.cuda.device_count()]))"
MUCH_IN_USE = 0.1  # of a GPU's memory, before anything of ours runs


def gpus() -> list[Finding]:
    if not shutil.which("nvidia-smi"):
        return [
            Finding("gpus", "gpu", "note", "no nvidia-smi: everything runs on the CPU", fix="install NVIDIA's driver")
        ]
    try:
        lines = _answer(["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]).splitlines()
    except subprocess.TimeoutExpired:
        said = f"nvidia-smi has not answered for {SECONDS_TO_ANSWER} s"
        return [Finding("gpus", "gpu", "bad", said, fix="restart the machine: the driver hangs")]
    except subprocess.CalledProcessError as error:
        said = f"nvidia-smi fails: {(error.stdout or error.stderr).strip().partition(chr(10))[0]}"
        return [Finding("gpus", "gpu", "bad", said, fix="sudo modprobe nvidia, or install the driver again")]
    found = [_gpu([cell.strip() for cell in line.split(",")]) for line in lines if line.strip()]
    return (
        [*found, *_hidden(), _torch(len(found))] if found else [Finding("gpus", "gpu", "note", "the driver sees none")]
    )


def _gpu(cells: list[str]) -> Finding:
    index, name, total, free, driver = cells
    if not (total.isdecimal() and free.isdecimal()):  # memory shared with the CPU
        return Finding("gpus", f"gpu {index}", "ok", f"{name}, driver {driver}")
    said = f"{name}, {int(free) / 1024:,.1f} of {int(total) / 1024:,.1f} GiB free, driver {driver}"
    if int(free) < (1 - MUCH_IN_USE) * int(total):
        return Finding("gpus", f"gpu {index}", "note", f"{said}: others use it", fix="nvidia-smi (shows who)")
    return Finding("gpus", f"gpu {index}", "ok", said)


def _hidden() -> list[Finding]:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return []
    said = f"{chosen or '(empty)'}: programs see these alone"
    return [Finding("gpus", "CUDA_VISIBLE_DEVICES", "note", said, fix="unset CUDA_VISIBLE_DEVICES")]


def _torch(count: int) -> Finding:
    """Whether torch can use them: the driver may be too old for the CUDA it was built with."""
    if torch_cuda() is None:
        fix = "pip install --force-reinstall torch"
        return Finding("gpus", "torch on the GPU", "bad", "this torch was built without CUDA", fix=fix)
    try:
        works, seen = json.loads(_answer([sys.executable, "-c", ASK_TORCH]).splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        return Finding(
            "gpus",
            "torch on the GPU",
            "bad",
            f"torch does not start: {type(error).__name__}",
            fix="python -c 'import torch'",
        )
    if not works:
        said = f"torch cannot use the GPU: it wants CUDA {torch_cuda()}"
        fix = "update the NVIDIA driver, or install a torch for its CUDA (nvidia-smi shows which)"
        return Finding(
            "gpus", "torch on the GPU", "note" if "CUDA_VISIBLE_DEVICES" in os.environ else "bad", said, fix=fix
        )
    return Finding("gpus", "torch on the GPU", "ok", f"{seen} of {count} usable")


def _answer(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=True)
    return done.stdout
