"""Batch, accumulation and checkpointing are chosen for the wished rows a step and the memory that is there."""

import pytest

from lf_wrap.recipe.batch import batch
from lf_wrap.recipe.hardware import Gpu, Hardware
from lf_wrap.recipe.memory import GIB, Load, peak_memory
from lf_wrap.recipe.setting import Setting
from lf_wrap.recipe.shape import Shape

SMALL = Shape(896, 24, 14, 4864, 151936, 2, 64, True)
LARGE = Shape(3584, 28, 28, 18944, 152064, 4, 128, False)


def gpus(gib: int, count: int = 1) -> Hardware:
    return Hardware((Gpu("a GPU", gib * GIB, 8.0),) * count, cores=8)


def chosen(shape, hardware, longest=600, wish=None, **said):
    said = {"finetuning_type": "full", "bf16": True} | said
    settings = {key: Setting(value) for key, value in said.items()}
    found = batch(settings, wish, shape, longest, hardware, zero=0)
    stored = found.get("disable_gradient_checkpointing")
    size, accumulation = found["per_device_train_batch_size"], found["gradient_accumulation_steps"]
    return size.value, accumulation.value, bool(stored and stored.value)


@pytest.mark.parametrize(
    ("shape", "hardware", "said", "expected"),
    [
        (SMALL, gpus(80), {}, (8, 1, True)),
        (SMALL, gpus(16), {}, (4, 2, False)),
        (SMALL, gpus(80, count=4), {}, (2, 1, True)),
        (LARGE, gpus(80), {"finetuning_type": "lora"}, (8, 1, True)),
        (LARGE, gpus(24), {"finetuning_type": "lora"}, (2, 4, False)),
        (LARGE, gpus(24), {}, (1, 8, False)),  # nothing fits: `lfw check` says so
        (SMALL, gpus(80), {"disable_gradient_checkpointing": False}, (8, 1, False)),
        (SMALL, gpus(80), {"per_device_train_batch_size": 2}, (2, 4, True)),
        (SMALL, gpus(80), {"gradient_accumulation_steps": 4}, (2, 4, True)),
        (SMALL, gpus(80), {"neat_packing": True, "cutoff_len": 4096}, (1, 1, True)),
        (SMALL, gpus(16), {"neat_packing": True, "cutoff_len": 4096}, (1, 1, False)),
        (SMALL, gpus(80, count=4), {"neat_packing": True, "cutoff_len": 4096}, (1, 1, True)),
        (SMALL, gpus(80), {"stage": "pt", "packing": True, "cutoff_len": 2048}, (8, 1, True)),
        (None, gpus(80), {}, (2, 4, False)),
        (SMALL, Hardware((), cores=2), {}, (4, 2, False)),
    ],
)
def test_the_largest_batch_that_fits_and_nothing_computed_twice_where_there_is_room(shape, hardware, said, expected):
    assert chosen(shape, hardware, **said) == expected


def test_flash_attention_takes_one_pack_a_batch():
    packs = {"neat_packing": True, "cutoff_len": 1024}
    assert chosen(SMALL, gpus(80), wish=4, **packs) == (4, 1, True)
    assert chosen(SMALL, gpus(80), wish=4, flash_attn="fa2", **packs) == (1, 4, True)


@pytest.mark.parametrize("gib", [12, 16, 24, 40, 80])
@pytest.mark.parametrize("longest", [256, 1024, 4096])
@pytest.mark.parametrize("kind", ["lora", "full"])
def test_what_is_chosen_fits_by_the_estimate_or_is_the_smallest_there_is(gib, longest, kind):
    size, accumulation, stored = chosen(SMALL, gpus(gib), longest, finetuning_type=kind)
    arguments = {"finetuning_type": kind, "bf16": True, "disable_gradient_checkpointing": stored}
    arguments |= {"per_device_train_batch_size": size, "gradient_accumulation_steps": accumulation}
    assert size * accumulation == 8
    assert (size, stored) == (1, False) or peak_memory(Load(SMALL, arguments, longest)).needed < gib * GIB


def test_a_wished_batch_is_met_or_the_nearest_below_is_said():
    assert chosen(SMALL, gpus(80), wish=16) == (16, 1, True)
    found = batch({}, 10, SMALL, 600, gpus(80, count=4), zero=0)
    assert found["gradient_accumulation_steps"].why == "2 × 1 × 4 = 8 rows a step, the nearest to 10"
