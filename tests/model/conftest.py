"""A tiny model, an adapter of it that really changes its answers, and the true merge of the two."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.model.parity import TrainedTemplate

ASKED = [
    Conversation.single("手术名称：肾囊肿切除", "肾囊肿切除术"),
    Conversation.single("你好，我头痛三天了", "请问还有别的不舒服吗？", system="你是一名医生。"),
    Conversation((Turn("user", "hello"), Turn("assistant", "hi"), Turn("user", "again"), Turn("assistant", "yes"))),
]

MakeAdapter = Callable[..., Path]


@pytest.fixture(scope="session")
def make_adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeAdapter:
    """Writes an adapter of the tiny model, with B matrices that are not zero, to a folder of its own."""

    def make(seed: int = 0, *, base: Path = tiny_model, **config: Any) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        torch.manual_seed(seed)
        wanted = {"r": 4, "lora_alpha": 12, "target_modules": ["q_proj", "v_proj", "down_proj"], **config}
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(**wanted))
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(std=0.2)
        folder = tmp_path_factory.mktemp("adapter")
        model.save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def adapter(make_adapter: MakeAdapter) -> Path:
    return make_adapter()


Merge = Callable[..., Path]


@pytest.fixture(scope="session")
def merge(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Merge:
    """Merges adapters into the tiny model with PEFT, `change` applied to the result, into a folder of its own."""

    def make(*adapters: Path, change: Callable[[Any], None] | None = None, dtype: str = "float32") -> Path:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        model = AutoModelForCausalLM.from_pretrained(tiny_model)
        for one in adapters:
            model = PeftModel.from_pretrained(model, str(one)).merge_and_unload()
        if change:
            change(model)
        folder = tmp_path_factory.mktemp("merged")
        model.to(getattr(torch, dtype)).save_pretrained(folder)
        AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def merged(merge: Merge, adapter: Path) -> Path:
    return merge(adapter)


@pytest.fixture(scope="session")
def template(tiny_model: Path) -> TrainedTemplate:
    """What training with LLaMA-Factory's template `qwen` renders."""
    return TrainedTemplate.of(tiny_model, {"template": "qwen"})


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], Path]:
    """A copy of a model folder that a test may spoil."""
    return lambda folder: Path(shutil.copytree(folder, tmp_path / "copy"))
