"""The estimate against peaks measured on a GPU (docs/benchmarks/*.json, written by scripts/bench_train.py)."""

import json
from pathlib import Path

import pytest

from lf_wrap.recipe.memory import GIB, Load, peak_memory
from lf_wrap.recipe.shape import Shape, shape_of

MEASURED = Path(__file__).parents[2] / "docs" / "benchmarks"
SHAPES = {
    "qwen2.5-0.5b": Shape(896, 24, 14, 4864, 151936, 2, 64, True),
    "qwen2.5-7b": Shape(3584, 28, 28, 18944, 152064, 4, 128, False),
}
# Tokens: the longest row that a few dozen steps meet. A whole epoch, and rows grouped by length at once, meet the
# longest of all, 600 padded; 16 steps of 8 rows meet 280 and 36 of them 310 (the middle of 200 draws of as many of
# these rows): `longest_row` says so.
SEEN = 400


def measured() -> list[tuple[str, str, dict]]:
    files = [(file, json.loads(file.read_text())) for file in sorted(MEASURED.glob("*.json"))]
    return [
        pytest.param(known["shape"], one, id=f"{file.stem}-{name}")
        for file, known in files
        if known.get("shape") in SHAPES
        for name, one in known["results"].items()
        if "peak_gib" in one
    ]


def test_at_least_twelve_settings_were_measured():
    assert len(measured()) >= 12


@pytest.mark.parametrize(("shape", "one"), measured())
def test_the_estimate_is_within_15_percent_of_what_was_measured(shape, one):
    estimate = peak_memory(Load(SHAPES[shape], one["arguments"], one.get("longest_row", SEEN)))
    assert estimate.peak / GIB == pytest.approx(one["peak_gib"], rel=0.15)
    assert estimate.needed / GIB >= one["peak_gib"]


def test_the_published_shapes_have_the_published_number_of_weights():
    assert SHAPES["qwen2.5-0.5b"].parameters == pytest.approx(494e6, rel=0.002)
    assert SHAPES["qwen2.5-7b"].parameters == pytest.approx(7.616e9, rel=0.002)


def test_a_shape_comes_from_config_json():
    config = {"hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2}
    config |= {"intermediate_size": 4864, "vocab_size": 151936, "tie_word_embeddings": True}
    assert shape_of(config) == SHAPES["qwen2.5-0.5b"]
    assert shape_of(config | {"num_experts": 64}) is None
    assert shape_of({"model_type": "whisper"}) is None


BASE = {"finetuning_type": "full", "bf16": True, "per_device_train_batch_size": 2, "cutoff_len": 4096}


@pytest.mark.parametrize(
    "less",
    [
        {"finetuning_type": "lora", "enable_liger_kernel": True},
        {"finetuning_type": "freeze"},
        {"pure_bf16": True, "bf16": False},
        {"optim": "adamw_8bit"},
        {"enable_liger_kernel": True},
        {"per_device_train_batch_size": 1},
    ],
)
def test_what_saves_memory_in_truth_saves_it_in_the_estimate(less):
    shape = SHAPES["qwen2.5-7b"]
    row = 16_384  # long enough for activations to matter beside the gradients
    assert peak_memory(Load(shape, BASE | less, row)).peak < peak_memory(Load(shape, BASE, row)).peak


def test_quantized_weights_and_zero_stages_shrink_what_they_should():
    shape, lora = SHAPES["qwen2.5-7b"], BASE | {"finetuning_type": "lora"}
    assert peak_memory(Load(shape, lora | {"quantization_bit": 4}, 512)).weights < 6 * GIB
    alone, two, three = (peak_memory(Load(shape, BASE, 512, processes=8, zero=stage)) for stage in (0, 2, 3))
    assert two.optimizer == pytest.approx(alone.optimizer / 8, rel=0.01)
    assert two.weights == alone.weights
    assert three.weights == pytest.approx(alone.weights / 8, rel=0.01)
    assert peak_memory(Load(shape, BASE, 512, processes=8, zero=2, offload_optimizer=True)).optimizer == 0
