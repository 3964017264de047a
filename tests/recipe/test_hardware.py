"""What `nvidia-smi` prints becomes the hardware that a recipe meets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import Hardware, detect_hardware
from lf_wrap.recipe.hardware import Gpu

FOUR = "\n".join(f"GPU-{number}{number}-d72c-4106, 81920, 8.0, NVIDIA A100-SXM4-80GB {number}" for number in range(4))
Install = Callable[..., None]


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts an `nvidia-smi` on an otherwise empty PATH that prints `output` and ends with `code`."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def install(output: str, code: int = 0) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{output}'\nexit {code}\n")
        program.chmod(0o755)

    return install


def seen() -> list[str]:
    """The last word of every detected GPU's name."""
    return [gpu.name.split()[-1] for gpu in detect_hardware().gpus]


def test_every_gpu_is_read_with_its_memory_and_capability(nvidia_smi: Install) -> None:
    nvidia_smi("GPU-a1, 81559, 9.0, NVIDIA H100 80GB HBM3\nGPU-b2, 15360, 7.5, Tesla T4")
    found = detect_hardware()
    assert found.gpus == (Gpu("NVIDIA H100 80GB HBM3", 81559 << 20, 9.0), Gpu("Tesla T4", 15360 << 20, 7.5))
    assert str(found) == "NVIDIA H100 80GB HBM3, Tesla T4"
    assert found.cores >= 1


@pytest.mark.usefixtures("nvidia_smi")
def test_without_nvidia_smi_there_is_no_gpu() -> None:
    found = detect_hardware()
    assert found.gpus == ()
    assert str(found) == f"{found.cores} CPU cores, no GPU"


def test_a_driver_without_a_card_has_no_gpu(nvidia_smi: Install) -> None:
    nvidia_smi("No devices were found", code=6)
    assert seen() == []


@pytest.mark.parametrize(
    ("chosen", "visible"),
    [
        (None, ["0", "1", "2", "3"]),
        ("0", ["0"]),
        ("2,0", ["2", "0"]),
        (" 1 , 3 ", ["1", "3"]),
        ("", []),
        ("-1", []),
        ("0,7", ["0"]),
        ("0,-1,1", ["0"]),
        ("0,9,1", ["0"]),
        ("GPU-22-d72c-4106", ["2"]),
        ("GPU-33,GPU-11-d7", ["3", "1"]),
        ("GPU-00,GPU-99,GPU-11", ["0"]),
        ("0,GPU-33", ["0"]),
        ("GPU-33,0", ["3"]),
        ("1,1", []),
        ("GPU-", []),
        ("no GPU", []),
    ],
)
def test_only_gpus_visible_to_cuda_programs_count(
    nvidia_smi: Install, monkeypatch: pytest.MonkeyPatch, chosen: str | None, visible: list[str]
) -> None:
    nvidia_smi(FOUR)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert seen() == visible


def test_a_gpu_that_shares_the_cpus_memory_is_a_gpu(nvidia_smi: Install) -> None:
    nvidia_smi("GPU-a1, [N/A], 12.1, NVIDIA GB10")
    assert detect_hardware().gpus == (Gpu("NVIDIA GB10", None, 12.1),)


def test_a_driver_that_hangs_is_named(tmp_path: Path, nvidia_smi: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi("")
    (tmp_path / "nvidia-smi").write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    monkeypatch.setattr("lf_wrap.recipe.hardware.SECONDS_TO_ANSWER", 0.2)
    with pytest.raises(UserError, match="nvidia-smi has not answered") as error:
        detect_hardware()
    assert error.value.fix


@pytest.mark.parametrize(
    ("capabilities", "bf16"), [([], False), ([7.5], False), ([8.0], True), ([8.6, 12.1], True), ([9.0, 7.5], False)]
)
def test_bf16_needs_every_gpu_to_have_it(capabilities: list[float], bf16: bool) -> None:
    gpus = tuple(Gpu("some GPU", 16 << 30, capability) for capability in capabilities)
    assert Hardware(gpus, cores=8).bf16 is bf16
