"""What is exported for LLaMA-Factory's launcher, and what no recipe may hold."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import Hardware, Recipe, choose, launch_environment, load_recipe
from lf_wrap.recipe.hardware import Gpu
from tests.conftest import ROOT

CPU = Hardware((), cores=8)
TWO = Hardware((Gpu("A100", 80 << 30, 8.0),) * 2, cores=64)
DEMO = ROOT / "recipes/demo.yaml"
ASK_FOR_NAMES = """
import dataclasses
from llamafactory.hparams import parser
print(*{field.name for group in parser._TRAIN_ARGS + parser._INFER_ARGS for field in dataclasses.fields(group)})
"""


def exported(hardware: Hardware, train: dict[str, Any] | None = None, environment: Any = None, **wish: Any) -> Any:
    said = {"train": train or {}, "environment": environment or {}}
    recipe = Recipe.model_validate({"name": "r", "model": "org/model", "data": {"train": ["d"]}, **said})
    found = launch_environment(recipe, choose(recipe, hardware, **wish))
    return {name: setting.value for name, setting in found.items()}


def test_one_process_needs_nothing() -> None:
    assert exported(CPU) == {}
    assert exported(TWO, gpus="1") == {"CUDA_VISIBLE_DEVICES": "1"}


def test_several_processes_are_started_by_torchrun() -> None:
    found = exported(TWO)
    assert found == {"FORCE_TORCHRUN": "1", "NPROC_PER_NODE": "2", "OMP_NUM_THREADS": str(TWO.cores // 2)}


def test_processes_that_share_the_cpu_share_its_cores_out() -> None:
    assert exported(CPU, nproc_per_node=2)["OMP_NUM_THREADS"] == "4"
    assert exported(CPU, nproc_per_node=2, environment={"OMP_NUM_THREADS": 3})["OMP_NUM_THREADS"] == "3"


def test_deepspeed_is_started_by_torchrun_even_on_one_gpu() -> None:
    assert exported(TWO, {"deepspeed": "zero2"}, gpus="0")["FORCE_TORCHRUN"] == "1"


def test_every_node_is_told_which_it_is_and_where_the_first_is() -> None:
    found = exported(TWO, nnodes=2, node_rank=1, master="head:4000")
    assert [found[name] for name in ("NNODES", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT")] == ["2", "1", "head", "4000"]


def test_ray_is_asked_for_and_torchrun_is_not() -> None:
    assert exported(TWO, {"ray_num_workers": 4}) == {"USE_RAY": "1"}


def test_the_recipes_variables_are_exported_as_shells_write_them() -> None:
    said = {"NCCL_DEBUG": "INFO", "NCCL_IB_DISABLE": True, "NCCL_BUFFSIZE": 8388608}
    assert exported(CPU, environment=said) == {"NCCL_DEBUG": "INFO", "NCCL_IB_DISABLE": "1", "NCCL_BUFFSIZE": "8388608"}


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("environment.HF_TOKEN=hf_0123456789abcdef", "HF_TOKEN looks like a secret"),
        ("environment.WANDB_API_KEY=0123", "WANDB_API_KEY looks like a secret"),
        ("environment.HTTPS_PROXY=http://me:pass@proxy", "HTTPS_PROXY looks like a secret"),
        ("train.hub_token=hf_0123456789abcdef", "hub_token looks like a secret"),
        ("train.swanlab_api_key=0123", "swanlab_api_key looks like a secret"),
        ("train.run_name=hf_0123456789abcdef", "run_name looks like a secret"),
        ("export.hf_hub_token=x", "hf_hub_token looks like a secret"),
        ("environment.MASTER_PORT=1", "for the command line to say: --master"),
        ("environment.CUDA_VISIBLE_DEVICES='0'", "for the command line to say: --gpus"),
        ("environment.LD_PRELOAD=evil.so", "decides which programs run"),
        ("environment.PYTHONPATH=evil", "decides which programs run"),
        ("environment={'A B': 1}", "is no name of a variable"),
    ],
)
def test_secrets_and_what_chooses_the_code_stay_out_of_recipes(said: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        load_recipe(DEMO, [said])
    assert "0123" not in str(error.value)
    assert "pass" not in str(error.value)


@pytest.mark.trains
def test_of_llamafactorys_arguments_only_the_tokens_and_keys_look_like_secrets() -> None:
    import subprocess
    import sys

    from lf_wrap.recipe.secrets import secrets

    done = subprocess.run([sys.executable, "-c", ASK_FOR_NAMES], capture_output=True, text=True, check=True)
    names = done.stdout.splitlines()[-1].split()
    assert len(names) > 200
    known = {"hf_hub_token", "ms_hub_token", "om_hub_token", "hub_token", "swanlab_api_key", "swanlab_lark_secret"}
    assert set(secrets(dict.fromkeys(names, "x"))) == known
