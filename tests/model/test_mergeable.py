"""What would spoil a merge is refused before it begins, with the place and what to do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lf_wrap.errors import UserError
from lf_wrap.model import require_mergeable
from tests.model.conftest import MakeAdapter


class Folders(NamedTuple):
    base: Path
    adapter: Path
    target: Path


@pytest.fixture
def folders(tiny_model: Path, adapter: Path, tmp_path: Path) -> Folders:
    """Copies that may be spoiled."""
    return Folders(
        Path(shutil.copytree(tiny_model, tmp_path / "base")),
        Path(shutil.copytree(adapter, tmp_path / "adapter")),
        tmp_path / "run",
    )


def refusal(folders: Folders, trained: Path | None = None) -> str:
    with pytest.raises(UserError) as refused:
        require_mergeable(folders.base, trained or folders.adapter, folders.target)
    assert not folders.target.exists()
    return str(refused.value)


def test_an_older_base_in_bin_files_is_left_to_its_logits(folders: Folders) -> None:
    (folders.base / "model.safetensors").rename(folders.base / "pytorch_model.bin")
    require_mergeable(*folders)


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_an_adapter_and_its_base_are_mergeable(folders: Folders) -> None:
    require_mergeable(*folders)
    require_mergeable(folders.base, folders.base, folders.target)


def test_an_adapter_for_a_base_of_other_sizes(folders: Folders, tmp_path: Path, make_adapter: MakeAdapter) -> None:
    from transformers import AutoModelForCausalLM, Qwen2Config

    wide = Qwen2Config(
        vocab_size=1200, hidden_size=96, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4
    )
    AutoModelForCausalLM.from_config(wide).save_pretrained(tmp_path / "wide")
    message = refusal(folders, make_adapter(base=tmp_path / "wide"))
    assert "is for another base" in message
    assert re.search(
        r"(q_proj|v_proj|down_proj)\.weight is \d+ × \d+ in the base, and the adapter fits \d+ × \d+", message
    )
    assert "its config names wide" in message


def test_an_adapter_with_more_layers_than_the_base(folders: Folders, make_adapter: MakeAdapter, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, Qwen2Config

    deep = Qwen2Config(
        vocab_size=1200,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    AutoModelForCausalLM.from_config(deep).save_pretrained(tmp_path / "deep")
    assert "there is no model.layers.2." in refusal(folders, make_adapter(base=tmp_path / "deep"))


def test_a_tokenizer_with_tokens_that_have_no_embedding(folders: Folders) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders.base)
    tokenizer.add_tokens(["<|mood|>"])
    tokenizer.save_pretrained(folders.adapter)
    message = refusal(folders)
    assert "the tokenizer has 1,201 tokens and the model has embeddings for 1,200" in message
    assert "<|mood|>" in message
    assert "resize_vocab: true" in message


def test_a_quantized_base(folders: Folders) -> None:
    change(folders.base / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    assert "is a quantized model (gptq)" in refusal(folders)


@pytest.mark.parametrize("keep", [-100, 1000, 3, 0])
@pytest.mark.parametrize("which", ["base/model.safetensors", "adapter/adapter_model.safetensors"])
def test_half_written_weights(folders: Folders, tmp_path: Path, which: str, keep: int) -> None:
    file = tmp_path / which
    file.write_bytes(file.read_bytes()[:keep])
    assert f"{file.name} is half-written" in refusal(folders)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("adapter_model.safetensors", "holds no adapter_model.safetensors"),
        ("adapter_config.json", "is neither an adapter nor a model"),
    ],
)
def test_a_checkpoint_that_lacks_a_file(folders: Folders, name: str, told: str) -> None:
    (folders.adapter / name).unlink()
    assert told in refusal(folders)


def test_a_shard_that_is_missing(folders: Folders) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folders.base / "model.safetensors").rename(folders.base / "model-00001-of-00002.safetensors")
    (folders.base / "model.safetensors.index.json").write_text(json.dumps(index))
    message = refusal(folders)
    assert "1 of 2 weight files are missing" in message
    assert "model-00002-of-00002.safetensors" in message


def spoil(file: Path, value: float) -> str:
    """Puts `value` into the last tensor of a safetensors file; returns that tensor's name."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    name = list(tensors)[-1]
    tensors[name].view(-1)[0] = value
    save_file(tensors, file, metadata={"format": "pt"})
    return name


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(folders: Folders, value: float) -> None:
    name = spoil(folders.adapter / "adapter_model.safetensors", value)
    message = refusal(folders)
    assert "hold NaN or infinity" in message
    assert name in message


def test_trained_weights_that_are_no_numbers(folders: Folders, tiny_model: Path, tmp_path: Path) -> None:
    trained = Path(shutil.copytree(tiny_model, tmp_path / "weights"))
    name = spoil(trained / "model.safetensors", float("nan"))
    assert name in refusal(folders, trained)


def test_no_space(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    free: Callable[[Path], Any] = lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10**6)  # noqa: E731
    monkeypatch.setattr("lf_wrap.model.mergeable.shutil.disk_usage", free)
    assert "and 1 MB are free" in refusal(folders)
