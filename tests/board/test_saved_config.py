"""A recipe's arguments as a saved configuration: what the board makes of it is what `lfw render` writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lf_wrap.board import Form, from_config, to_config
from lf_wrap.board.saved_config import ELEMENTS, OF_LORA
from lf_wrap.errors import UserError

SETTINGS: dict[str, Any] = {
    "model_name_or_path": "models/tiny",
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "template": "qwen",
    "dataset": "a,b",
    "dataset_dir": "dataset_info",
    "output_dir": "runs/x/adapter",
    "learning_rate": 1e-4,
}


def extra(config: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(config["train.extra_args"])
    return said


def test_the_installed_board_has_every_element_we_fill(form: Form) -> None:
    """Fails when an update of LLaMA-Factory renames an element: then `ELEMENTS` is to be read anew from its source."""
    filled = {*ELEMENTS.values(), *OF_LORA.values(), "top.model_name", "top.model_path", "top.checkpoint_path"}
    filled |= {"top.booster", "train.training_stage", "train.dataset", "train.compute_type", "train.extra_args"}
    assert not filled - set(form.elements)


def test_the_installed_board_says_nothing_unasked_that_we_do_not_know(form: Form) -> None:
    """Fails when an update makes the board add an argument of its own to every command."""
    from lf_wrap.board.saved_config import BOOSTERS, OF_THE_BOARD, PRECISIONS, UNASKED

    known = {*ELEMENTS, *OF_LORA, *OF_THE_BOARD, *UNASKED, *BOOSTERS, *PRECISIONS}
    known |= {"stage", "model_name_or_path", "dataset", "packing", "optim", "pissa_init", "pissa_convert"}
    known |= {"use_galore", "use_apollo", "use_badam", "use_swanlab"}
    assert not set(form.says) - known


def test_what_the_form_has_a_place_for_stands_there(form: Form) -> None:
    config = to_config(SETTINGS | {"lora_rank": 16, "cutoff_len": 512, "enable_liger_kernel": True, "bf16": True}, form)
    shown = {
        "top.model_path": "models/tiny",
        "top.template": "qwen",
        "train.dataset": ["a", "b"],
        "train.lora_rank": 16,
    }
    shown |= {
        "train.learning_rate": "0.0001",
        "train.training_stage": "Supervised Fine-Tuning",
        "train.cutoff_len": 512,
    }
    shown |= {"top.booster": "liger_kernel", "train.compute_type": "bf16", "train.dataset_dir": "dataset_info"}
    assert {name: config[name] for name in shown} == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight_decay", 0.01), ("deepspeed", "ds_z3.json"), ("save_steps", 57), ("logging_steps", 4), ("val_size", 0.1)],
    ids=["no element", "a file of ours", "off the slider's steps", "off its steps too", "would add eval arguments"],
)
def test_what_it_has_no_place_for_is_an_extra_argument(form: Form, name: str, value: Any) -> None:
    assert extra(to_config(SETTINGS | {name: value}, form))[name] == value


def test_false_is_written_as_0_for_the_board_drops_false(form: Form) -> None:
    said = extra(to_config(SETTINGS | {"logging_nan_inf_filter": False}, form))["logging_nan_inf_filter"]
    assert said == 0
    assert said is not False


def test_what_the_board_would_say_by_itself_is_taken_back(form: Form) -> None:
    said = extra(to_config(SETTINGS, form))
    assert said["trust_remote_code"] is None
    assert said["preprocessing_num_workers"] is None
    assert "preprocessing_num_workers" in form.says
    assert extra(to_config(SETTINGS | {"preprocessing_num_workers": 2}, form))["preprocessing_num_workers"] == 2


def test_no_row_is_dropped_for_the_forms_own_max_samples(form: Form) -> None:
    assert int(to_config(SETTINGS, form)["train.max_samples"]) >= 10**9
    assert to_config(SETTINGS | {"max_samples": 50}, form)["train.max_samples"] == "50"


def test_the_alpha_that_follows_the_rank_is_said(form: Form) -> None:
    assert to_config(SETTINGS | {"lora_rank": 32}, form)["train.lora_alpha"] == 64


def test_an_element_that_an_update_took_away_becomes_an_extra_argument(form: Form) -> None:
    kept = {name: element for name, element in form.elements.items() if name != "train.learning_rate"}
    config = to_config(SETTINGS, Form(kept, form.says, form.stages, form.checkpoint_names))
    assert "train.learning_rate" not in config
    assert extra(config)["learning_rate"] == 1e-4


def test_the_whole_form_is_reset_but_no_secret_and_no_place_is_written(form: Form) -> None:
    config = to_config(SETTINGS, form)
    left_out = set(form.elements) - set(config)
    assert left_out == {"top.lang", "train.output_dir", "train.config_path", "train.output_box"} | {
        "train.swanlab_link",
        "train.swanlab_api_key",
    }


def test_a_configuration_becomes_a_recipe() -> None:
    arguments = SETTINGS | {"trust_remote_code": True, "ddp_timeout": 1, "max_samples": 10**9, "lora_rank": 16}
    assert from_config(arguments | {"swanlab_api_key": "secret"}) == {
        "model": "models/tiny",
        "template": "qwen",
        "data": {"train": ["a", "b"], "dataset_dir": "dataset_info"},
        "train": {"finetuning_type": "lora", "learning_rate": 1e-4, "lora_rank": 16},
    }


@pytest.mark.parametrize(("without", "said"), [("model_name_or_path", "no model path"), ("dataset", "no dataset")])
def test_a_configuration_without_model_or_data_is_refused(without: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        from_config({name: value for name, value in SETTINGS.items() if name != without})
