"""`train.deepspeed: zero2` becomes a JSON file that transformers' DeepSpeed integration takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import Recipe, write_deepspeed
from lf_wrap.recipe.deepspeed import ZERO

# The Trainer's own parser, told what `train` would tell it; the numbers differ, so that a mixed-up one shows.
ASK_TRANSFORMERS = """
import json, sys
from types import SimpleNamespace
from transformers.integrations.deepspeed import HfTrainerDeepSpeedConfig
for path in sys.argv[1:]:
    config = HfTrainerDeepSpeedConfig(path)
    args = SimpleNamespace(world_size=4, per_device_train_batch_size=2, gradient_accumulation_steps=3,
        max_grad_norm=0.5, learning_rate=1e-4, adam_beta1=0.9, adam_beta2=0.99, adam_epsilon=1e-8, weight_decay=0.0,
        save_on_each_node=False, fp16=False, fp16_full_eval=False, bf16=True, bf16_full_eval=False,
        get_warmup_steps=lambda steps: 10)
    config.trainer_config_process(args)
    config.trainer_config_finalize(args, SimpleNamespace(config=SimpleNamespace(hidden_size=100)), 1000)
    print(json.dumps([config.is_zero2(), config.is_zero3(), config.is_offload(), config.config]))
"""


def recipe(deepspeed: str) -> Recipe:
    said = {"name": "r", "model": "org/model", "data": {"train": ["d"]}, "train": {"deepspeed": deepspeed}}
    return Recipe.model_validate(said)


def test_a_file_of_the_users_own_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.json").write_text("{}")
    assert write_deepspeed(recipe("mine.json"), tmp_path / "run") == Path("mine.json")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("said", "fix"), [("zero4", "did you mean 'zero"), ("nowhere.json", "one that lfw renders: zero0")]
)
def test_what_is_neither_a_name_nor_a_file_is_refused(tmp_path: Path, said: str, fix: str) -> None:
    with pytest.raises(UserError) as error:
        write_deepspeed(recipe(said), tmp_path)
    assert fix in str(error.value.fix)


def test_transformers_reads_every_configuration(tmp_path: Path) -> None:
    if not find_spec("deepspeed"):
        pytest.skip("deepspeed is not installed: DS_BUILD_OPS=0 pip install deepspeed")
    files = [str(write_deepspeed(recipe(name), tmp_path)) for name in ZERO]
    environment = {**os.environ, "DS_ACCELERATOR": "cpu"}
    command = [sys.executable, "-c", ASK_TRANSFORMERS, *files]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(told) == len(ZERO)
    for name, (zero2, zero3, offload, config) in zip(ZERO, told, strict=True):
        assert (zero2, zero3, offload) == ("zero2" in name, "zero3" in name, "offload" in name)
        assert config["train_batch_size"] == 4 * 2 * 3
        assert (config["train_micro_batch_size_per_gpu"], config["gradient_accumulation_steps"]) == (2, 3)
        assert config["gradient_clipping"] == 0.5
        assert (config["bf16"]["enabled"], config["fp16"]["enabled"]) == (True, False)
        assert "auto" not in json.dumps(config)
        if zero3:
            assert config["zero_optimization"]["stage3_param_persistence_threshold"] == 1000
            assert config["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"]
