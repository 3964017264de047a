"""A training that does not fit its GPU is told before, with what would fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lf_wrap.recipe import Hardware
from lf_wrap.recipe.hardware import Gpu
from tests.conftest import Lfw
from tests.recipe.checks.conftest import Checked, errors, warnings

BIG = {"hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4}
BIG |= {"intermediate_size": 18944, "vocab_size": 152064, "tie_word_embeddings": False}  # Qwen2.5-7B's


def machine(gib: float) -> Hardware:
    return Hardware((Gpu("A100", int(gib * (1 << 30)), 8.0),), cores=16)


@pytest.fixture
def seven_billion(tmp_path: Path, tiny_model: Path) -> str:
    """The shape of a model of seven billion weights, with a small tokenizer."""
    folder = tmp_path / "big"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(BIG))
    for name in ("tokenizer.json", "model.safetensors"):
        (folder / name).symlink_to(tiny_model / name)
    return f"model={folder}"


def test_what_fits_is_no_problem(checked: Checked, seven_billion: str) -> None:
    assert checked(hardware=machine(24)) == []
    assert checked(seven_billion, hardware=machine(80)) == []


def test_full_tuning_of_a_large_model_does_not_fit_and_an_adapter_would(checked: Checked, seven_billion: str) -> None:
    (problem,) = checked(seven_billion, "train.finetuning_type=full", hardware=machine(40))
    assert problem.level == "error"
    assert "of 40.0 GiB" in problem.what
    assert problem.fix.startswith("this would fit: finetuning_type: lora")


def test_a_batch_too_large_is_halved_and_accumulated(checked: Checked, seven_billion: str) -> None:
    said = ["train.per_device_train_batch_size=512", "train.gradient_accumulation_steps=1"]
    (problem,) = checked(seven_billion, *said, hardware=machine(48))
    fits = dict(part.split(": ") for part in problem.fix.removeprefix("this would fit: ").split(", "))
    batch, accumulation = (int(fits[key]) for key in ("per_device_train_batch_size", "gradient_accumulation_steps"))
    assert batch * accumulation == 512
    mended = [f"train.{key}={value}" for key, value in fits.items()]
    assert checked(seven_billion, *mended, hardware=machine(48)) == []


def test_nothing_fits_a_tiny_gpu(checked: Checked, seven_billion: str) -> None:
    (problem,) = checked(seven_billion, hardware=machine(2))
    assert "take a smaller model" in problem.fix


def test_close_to_the_limit_is_a_warning(checked: Checked, seven_billion: str) -> None:
    limit = next(gib for gib in range(80, 2, -1) if checked(seven_billion, hardware=machine(gib)))
    assert errors(checked(seven_billion, hardware=machine(limit))) == []
    assert len(warnings(checked(seven_billion, hardware=machine(limit)))) == 1
    assert errors(checked(seven_billion, hardware=machine(0.8 * limit)))


def test_json_tells_each_part(lfw: Lfw, built: Path, tiny_model: Path) -> None:
    said = [f"--set=model={tiny_model}", "--set=template=qwen", "--set=train={}", "--quick", "--json"]
    told = lfw("check", "recipes/demo.yaml", *said, cwd=built).json
    parts = ("weights", "gradients", "optimizer", "activations", "logits", "peak")
    assert set(told["memory"]) == {"per_gpu_bytes", *parts}
    assert all(told["memory"][part] >= 0 for part in parts)
    assert told["memory"]["per_gpu_bytes"] > told["memory"]["peak"] > 0
