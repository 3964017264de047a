"""A checkpoint counts only when all of it is there: every layout, every way to be half written."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lf_wrap.pipeline.checkpoints import Checkpoint, checkpoints, flaw


def tensors(file: Path) -> None:
    save_file({"a": np.zeros(1000, np.float32), "b": np.ones((3, 5), np.float16)}, file)


def torch_file(file: Path) -> None:
    """A file as `torch.save` writes it: a zip."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\0" * 1000)


def state(folder: Path, step: int) -> None:
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step, "max_steps": 100, "log_history": []}))


def lora(folder: Path) -> None:
    tensors(folder / "adapter_model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch_file(folder / name)


def sharded(folder: Path) -> None:
    for name in ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"):
        tensors(folder / name)
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch_file(folder / name)


def two_gpus(folder: Path) -> None:
    lora(folder)
    (folder / "rng_state.pth").unlink()
    for rank in (0, 1):
        torch_file(folder / f"rng_state_{rank}.pth")


def zero_2(folder: Path) -> None:
    two_gpus(folder)
    for name in ("optimizer.pt", "scheduler.pt"):
        (folder / name).unlink()
    torch_file(folder / "global_step50/mp_rank_00_model_states.pt")
    for rank in (0, 1):
        torch_file(folder / f"global_step50/bf16_zero_pp_rank_{rank}_mp_rank_00_optim_states.pt")
    (folder / "latest").write_text("global_step50")


def zero_3(folder: Path) -> None:
    zero_2(folder)
    (folder / "adapter_model.safetensors").unlink()
    (folder / "global_step50/mp_rank_00_model_states.pt").unlink()
    for rank in (0, 1):
        torch_file(folder / f"global_step50/zero_pp_rank_{rank}_mp_rank_00_model_states.pt")


def fsdp(folder: Path) -> None:
    two_gpus(folder)
    (folder / "adapter_model.safetensors").unlink()
    (folder / "optimizer.pt").unlink()
    for name in ("pytorch_model_fsdp_0", "optimizer_0"):
        (folder / name).mkdir()
        (folder / name / "__0_0.distcp").touch()
        (folder / name / ".metadata").touch()


LAYOUTS: dict[Callable[[Path], None], int] = {lora: 1, sharded: 1, two_gpus: 2, zero_2: 2, zero_3: 2, fsdp: 2}

EMPTY = (".metadata", "__0_0.distcp")
# DeepSpeed's model states hold the adapter too, and it is they that are loaded.
NOT_NEEDED = dict.fromkeys(LAYOUTS, EMPTY[1:]) | {zero_2: ("adapter_model.safetensors",)}


@pytest.fixture
def made(tmp_path: Path) -> Callable[[Callable[[Path], None]], Checkpoint]:
    def make(layout: Callable[[Path], None]) -> Checkpoint:
        folder = tmp_path / "checkpoint-50"
        folder.mkdir()
        layout(folder)
        state(folder, 50)
        return Checkpoint(folder, 50)

    return make


Make = Callable[[Callable[[Path], None]], Checkpoint]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_whole_checkpoint_of_any_layout_has_no_flaw(made: Make, layout: Callable[[Path], None]) -> None:
    assert flaw(made(layout), LAYOUTS[layout]) is None


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("cut_off", [False, True], ids=["missing", "cut off"])
def test_a_file_of_it_that_is_missing_or_cut_off_is_a_flaw(
    made: Make, layout: Callable[[Path], None], cut_off: bool, tmp_path: Path
) -> None:
    whole = made(layout)
    shutil.copytree(whole.path, tmp_path / "kept")
    files = [path.relative_to(whole.path) for path in whole.path.rglob("*") if path.is_file()]
    needed = [file for file in files if file.name not in NOT_NEEDED[layout] and (not cut_off or file.name not in EMPTY)]
    assert len(needed) >= 4
    for file in needed:
        shutil.rmtree(whole.path)
        shutil.copytree(tmp_path / "kept", whole.path)
        content = (whole.path / file).read_bytes()
        (whole.path / file).unlink()
        if cut_off:
            (whole.path / file).write_bytes(content[:-7])
        assert flaw(whole, LAYOUTS[layout]), file


def test_the_mark_of_an_interrupted_writing_is_a_flaw(made: Make) -> None:
    whole = made(lora)
    (whole.path / "checkpoint-is-incomplete.txt").touch()
    assert flaw(whole, 1) == "it was still being written"


def test_another_number_of_processes_cannot_go_on_from_it(made: Make) -> None:
    whole = made(zero_2)
    assert flaw(whole, 2) is None
    assert "3 processes" in str(flaw(whole, 3))
    assert flaw(whole, 1)


def test_a_state_of_another_step_is_a_flaw(made: Make) -> None:
    whole = made(lora)
    state(whole.path, 40)
    assert flaw(whole, 1) == "trainer_state.json is of step 40"


def test_checkpoints_are_found_by_number_not_by_letter(tmp_path: Path) -> None:
    for name in ("checkpoint-100", "checkpoint-20", "checkpoint-3", "checkpoint-x", "other"):
        (tmp_path / name).mkdir()
    assert [one.step for one in checkpoints(tmp_path)] == [3, 20, 100]
    assert checkpoints(tmp_path / "nowhere") == []
