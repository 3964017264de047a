"""What `nvidia-smi` prints becomes the hardware that a recipe meets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lf_wrap.recipe import Hardware, detect_hardware
from lf_wrap.recipe.hardware import Gpu

FOUR = "\n".join(f"NVIDIA A100-SXM4-80GB {number}, 81920, 8.0" for number in range(4))
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
    nvidia_smi("NVIDIA H100 80GB HBM3, 81559, 9.0\nTesla T4, 15360, 7.5")
    found = detect_hardware()
    assert found.gpus == (Gpu("NVIDIA H100 80GB HBM3", 81559 << 20, 9.0), Gpu("Tesla T4", 15360 << 20, 7.5))
    assert str(found) == "NVIDIA H100 80GB HBM3, Tesla T4"
    assert found.cores >= 1


@pytest.mark.usefixtures("nvidia_smi")
def test_without_nvidia_smi_there_is_no_gpu() -> None:
    found = detect_hardware()
    assert found.gpus == ()
    assert str(found) == f"no GPU, {found.cores} CPU cores"


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
    ],
)
def test_only_gpus_visible_to_cuda_programs_count(
    nvidia_smi: Install, monkeypatch: pytest.MonkeyPatch, chosen: str | None, visible: list[str]
) -> None:
    nvidia_smi(FOUR)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert seen() == visible


@pytest.mark.xfail(strict=True, reason="CUDA stops at the first number that names no GPU; lfw skips it and goes on")
@pytest.mark.parametrize("chosen", ["0,-1,1", "0,9,1"])
def test_gpus_after_an_invalid_number_are_not_visible(
    nvidia_smi: Install, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    nvidia_smi(FOUR)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert seen() == ["0"]


@pytest.mark.xfail(strict=True, reason="a GPU chosen by its UUID counts as none, so that training is told to use_cpu")
def test_a_gpu_chosen_by_its_uuid_counts(nvidia_smi: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi("NVIDIA A100-SXM4-80GB, 81920, 8.0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
    assert len(detect_hardware().gpus) == 1


@pytest.mark.xfail(strict=True, raises=ValueError, reason="a GPU that shares the CPU's memory reports it as [N/A]")
def test_a_gpu_without_memory_of_its_own_is_a_gpu(nvidia_smi: Install) -> None:
    nvidia_smi("NVIDIA GB10, [N/A], 12.1")
    assert len(detect_hardware().gpus) == 1


@pytest.mark.parametrize(
    ("capabilities", "bf16"), [([], False), ([7.5], False), ([8.0], True), ([8.6, 12.1], True), ([9.0, 7.5], False)]
)
def test_bf16_needs_every_gpu_to_have_it(capabilities: list[float], bf16: bool) -> None:
    gpus = tuple(Gpu("some GPU", 16 << 30, capability) for capability in capabilities)
    assert Hardware(gpus, cores=8).bf16 is bf16
