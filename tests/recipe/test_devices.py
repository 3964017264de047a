"""`--gpus`, `--nnodes` and their like choose the part of the hardware that trains."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import Hardware, Recipe, choose
from lf_wrap.recipe.hardware import Gpu, Nodes

CPU = Hardware((), cores=8)
FOUR = Hardware(tuple(Gpu(f"GPU {number}", 80 << 30, 8.0) for number in range(4)), cores=64)


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


def recipe(**more: Any) -> Recipe:
    return Recipe.model_validate({"name": "r", "model": "org/model", "data": {"train": ["d"]}, **more})


def test_without_options_every_visible_gpu_trains_with_a_process_of_its_own() -> None:
    for gpus in (None, "all"):
        chosen = choose(recipe(), FOUR, gpus=gpus)
        assert (len(chosen.gpus), chosen.world_size, chosen.visible) == (4, 4, None)
    assert choose(recipe(), CPU).world_size == 1


@pytest.mark.parametrize(
    ("visible", "gpus", "exported"),
    [
        (None, "0,1", "0,1"),
        (None, "3", "3"),
        (None, " 2 , 0", "2,0"),
        ("4,5,6,7", "1,3", "5,7"),
        ("GPU-a,GPU-b,GPU-c,GPU-d", "2", "GPU-c"),
    ],
)
def test_numbers_count_within_what_a_scheduler_left_visible(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, gpus: str, exported: str
) -> None:
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    chosen = choose(recipe(), FOUR, gpus=gpus)
    assert chosen.visible == exported
    assert [gpu.name for gpu in chosen.gpus] == [f"GPU {int(number)}" for number in gpus.split(",")]
    assert chosen.world_size == len(chosen.gpus)


@pytest.mark.parametrize(
    ("hardware", "wish", "says"),
    [
        (CPU, {"gpus": "0"}, "no GPU is visible here"),
        (FOUR, {"gpus": "4"}, "there is no GPU 4: GPUs 0 to 3"),
        (FOUR, {"gpus": "0,0"}, "names no GPUs"),
        (FOUR, {"gpus": "two"}, "names no GPUs"),
        (FOUR, {"gpus": "0,1", "nproc_per_node": 3}, "3 processes cannot share 2 GPUs"),
        (FOUR, {"nnodes": 2}, "need to find node 0"),
        (FOUR, {"nnodes": 2, "node_rank": 2, "master": "10.0.0.1"}, "no node 2 among 2"),
        (FOUR, {"nnodes": 2, "node_rank": -1, "master": "10.0.0.1"}, "no node -1"),
        (FOUR, {"nnodes": 2, "master": "10.0.0.1:http"}, "no sound port"),
        (FOUR, {"node_rank": 1}, "are for several nodes"),
    ],
)
def test_what_cannot_be_is_refused(hardware: Hardware, wish: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        choose(recipe(), hardware, **wish)
    assert error.value.fix


@pytest.mark.parametrize(
    ("master", "found"),
    [("10.0.0.1", ("10.0.0.1", 29500)), ("gpu-7:1234", ("gpu-7", 1234)), ("fe80::1", ("fe80::1", 29500))],
)
def test_the_processes_of_all_nodes_count(master: str, found: tuple[str, int]) -> None:
    chosen = choose(recipe(), FOUR, nnodes=3, node_rank=1, master=master)
    assert chosen.nodes == Nodes(3, 1, *found)
    assert (chosen.local_size, chosen.world_size) == (4, 12)


def test_the_first_node_is_also_found_in_llamafactorys_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_ADDR", "head")
    monkeypatch.setenv("MASTER_PORT", "4000")
    assert choose(recipe(), FOUR, nnodes=2).nodes == Nodes(2, 0, "head", 4000)


@pytest.mark.parametrize("more", [{}, {"environment": {"USE_RAY": 1}}])
def test_ray_places_as_many_processes_as_the_recipe_says(more: dict[str, Any]) -> None:
    asked = {"train": {"ray_num_workers": 6}, **more}
    assert choose(recipe(**asked), FOUR).world_size == 6
    with pytest.raises(UserError, match="Ray places the processes itself"):
        choose(recipe(**asked), FOUR, nproc_per_node=2)
