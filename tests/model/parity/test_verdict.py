"""A true merge passes; every wrong one is caught, and the cause has a name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.model.parity import Parity, TrainedTemplate, prove
from tests.model.conftest import ASKED, MakeAdapter, Merge

Prove = Callable[..., Parity]


@pytest.fixture
def proved(tiny_model: Path, adapter: Path, template: TrainedTemplate) -> Prove:
    def call(exported: Path, trained: Path = adapter, **more: Any) -> Parity:
        return prove(exported, tiny_model, trained, template, ASKED, **{"device": "cpu", **more})

    return call


def test_a_true_merge_is_the_tuned_model(proved: Prove, merged: Path) -> None:
    parity = proved(merged, wanted_dtype="float32")
    figures = parity.to_json()
    assert parity.ok, parity.cause
    assert figures["same_greedy"] is True
    assert figures["template_tokens_equal"] is True
    assert 0 < figures["max_abs_logit_diff"] < figures["largest_allowed"]
    assert figures["logits"]["tuning"] > 100 * figures["mean_abs_logit_diff"]  # the adapter does change the answers
    assert figures["logits"]["tokens"] > len(ASKED)
    assert figures["compared_in"] == "float32 on the CPU"
    assert json.loads(json.dumps(figures)) == figures


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_merge_stored_in_half_precision_passes_within_its_rounding(
    proved: Prove, merge: Merge, adapter: Path, dtype: str
) -> None:
    parity = proved(merge(adapter, dtype=dtype), wanted_dtype=dtype)
    assert parity.ok, parity.cause
    assert parity.logits is not None
    assert parity.logits.max_abs_diff > 1e-3


def test_another_adapter_is_named(proved: Prove, merge: Merge, make_adapter: MakeAdapter) -> None:
    parity = proved(merge(make_adapter(seed=1)))
    assert parity.cause.startswith("another adapter")
    assert parity.logits is not None
    assert not parity.logits.same_greedy


def test_scaled_twice_is_named(proved: Prove, merge: Merge, adapter: Path, copy: Callable[[Path], Path]) -> None:
    scale = 3  # lora_alpha / r: applied twice, it is as if alpha were as many times larger
    wrong = copy(adapter)
    config = json.loads((wrong / "adapter_config.json").read_text(encoding="utf-8"))
    (wrong / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": scale * config["lora_alpha"]}))
    parity = proved(merge(wrong))
    assert parity.cause.startswith("wrong scale: the adapter was merged 3.00 times over")
    assert proved(merge(adapter, adapter)).cause.startswith("wrong scale: the adapter was merged 2.00 times over")


def test_unmerged_is_named(proved: Prove, merge: Merge) -> None:
    assert proved(merge()).cause.startswith("unmerged")


def test_wrong_dtype_is_named_whether_it_is_seen_or_hidden(proved: Prove, merge: Merge, adapter: Path) -> None:
    seen = proved(merge(adapter, dtype="float16"), wanted_dtype="float32")
    assert seen.cause == "wrong dtype: the weights are stored as float16, not as float32"

    def through_bfloat16(model: Any) -> None:
        for parameter in model.parameters():
            parameter.data = parameter.data.bfloat16().float()

    hidden = proved(merge(adapter, change=through_bfloat16), wanted_dtype="float32")
    assert hidden.cause == "wrong dtype: the weights are stored as float32 but have been through bfloat16"


def test_a_changed_chat_template_is_named_with_the_first_difference(
    proved: Prove, merged: Path, copy: Callable[[Path], Path]
) -> None:
    changed = copy(merged)
    file = changed / "chat_template.jinja"
    file.write_text(file.read_text(encoding="utf-8").replace("created by Alibaba Cloud", "made by nobody"))
    parity = proved(changed)
    assert parity.cause.startswith("changed chat template: prompt 1 differs from token")
    assert "created by" in parity.cause.partition("the export has")[0]
    assert "made by" in parity.cause.partition("the export has")[2]
    assert parity.logits is not None
    assert parity.logits.same_greedy


def test_a_missing_special_token_is_named(proved: Prove, merged: Path, copy: Callable[[Path], Path]) -> None:
    without = copy(merged)
    file = without / "tokenizer.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] != "<|im_end|>"]
    del content["model"]["vocab"]["<|im_end|>"]
    file.write_text(json.dumps(content), encoding="utf-8")
    config = json.loads((without / "tokenizer_config.json").read_text(encoding="utf-8"))
    (without / "tokenizer_config.json").write_text(json.dumps(config | {"eos_token": "<|endoftext|>"}))
    assert proved(without).cause.startswith("missing special token: '<|im_end|>'")


def test_another_base_is_named(proved: Prove, merge: Merge, adapter: Path) -> None:
    def other_norms(model: Any) -> None:
        model.model.norm.weight.data.mul_(1.5)

    assert proved(merge(adapter, change=other_norms)).cause.startswith("another base: 1 tensors differ")


def test_half_of_the_layers_unmerged_is_named(proved: Prove, merge: Merge, tiny_model: Path, adapter: Path) -> None:
    from transformers import AutoModelForCausalLM

    def first_layer_of_base(model: Any) -> None:
        base = AutoModelForCausalLM.from_pretrained(tiny_model)
        model.model.layers[0].load_state_dict(base.model.layers[0].state_dict())

    assert "only in part of the layers" in proved(merge(adapter, change=first_layer_of_base)).cause


@pytest.mark.parametrize(
    "config",
    [{"use_rslora": True}, {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"layers.1.mlp.down_proj": 3}}],
    ids=["rank-stabilised", "patterns"],
)
def test_the_scale_is_peft_s(proved: Prove, merge: Merge, make_adapter: MakeAdapter, config: dict[str, Any]) -> None:
    other = make_adapter(**config)
    parity = proved(merge(other), other)
    assert parity.ok, parity.cause
    assert parity.weights is not None


def test_an_adapter_that_is_no_plain_lora_is_judged_by_its_logits(
    proved: Prove, merge: Merge, make_adapter: MakeAdapter, merged: Path
) -> None:
    dora = make_adapter(use_dora=True)
    parity = proved(merge(dora), dora)
    assert parity.ok, parity.cause
    assert parity.weights is None
    assert "the exported model answers differently" in proved(merged, dora).cause
    assert "unmerged or another adapter" in proved(merge(), dora).cause


def test_trained_weights_are_held_against_the_export(proved: Prove, merged: Path, merge: Merge) -> None:
    assert proved(merged, merged).ok
    assert proved(merge(), merged).cause.startswith("the exported weights are not the trained ones")


def test_nan_in_the_export_does_not_pass(proved: Prove, merge: Merge, adapter: Path) -> None:
    def broken(model: Any) -> None:
        model.model.layers[1].mlp.down_proj.weight.data[0, 0] = float("nan")

    assert not proved(merge(adapter, change=broken)).ok


def test_without_memory_for_the_model_every_tensor_is_still_compared(
    proved: Prove, merged: Path, merge: Merge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lf_wrap.model.parity.verdict.place_for", lambda *_: None)
    parity = proved(merged)
    assert parity.ok
    assert parity.logits is None
    assert "no memory for the model" in parity.notes[0]
    assert proved(merge()).cause.startswith("unmerged")
