"""Train arguments as a saved configuration of the board, and back.

A saved configuration is a flat map of element ids, not of arguments. Its "extra arguments" override what the form makes
of its elements, so whatever no element can hold goes there, and the board's command is the recipe's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lf_wrap.board.form import Form
from lf_wrap.errors import UserError

MODEL = "Custom"  # the one model name whose path is not LLaMA-Factory's to choose
# Argument: element. From the board's `Runner._parse_train_args`, which a test runs on what is written here.
ELEMENTS = {
    "finetuning_type": "top.finetuning_type",
    "template": "top.template",
    "rope_scaling": "top.rope_scaling",
    "dataset_dir": "train.dataset_dir",
    "cutoff_len": "train.cutoff_len",
    "max_samples": "train.max_samples",
    "learning_rate": "train.learning_rate",
    "num_train_epochs": "train.num_train_epochs",
    "per_device_train_batch_size": "train.batch_size",
    "gradient_accumulation_steps": "train.gradient_accumulation_steps",
    "lr_scheduler_type": "train.lr_scheduler_type",
    "warmup_steps": "train.warmup_steps",
    "max_grad_norm": "train.max_grad_norm",
    "neftune_noise_alpha": "train.neftune_alpha",
    "logging_steps": "train.logging_steps",
    "save_steps": "train.save_steps",
    "report_to": "train.report_to",
    "neat_packing": "train.neat_packing",
    "train_on_prompt": "train.train_on_prompt",
    "mask_history": "train.mask_history",
    "resize_vocab": "train.resize_vocab",
    "use_llama_pro": "train.use_llama_pro",
    "enable_thinking": "train.enable_thinking",
}
# Those that the board passes on for LoRA alone.
OF_LORA = {
    "lora_rank": "train.lora_rank",
    "lora_alpha": "train.lora_alpha",
    "lora_dropout": "train.lora_dropout",
    "lora_target": "train.lora_target",
    "loraplus_lr_ratio": "train.loraplus_lr_ratio",
    "create_new_adapter": "train.create_new_adapter",
    "additional_target": "train.additional_target",
    "use_rslora": "train.use_rslora",
    "use_dora": "train.use_dora",
}
TEXTBOXES = {"learning_rate", "num_train_epochs", "max_samples", "max_grad_norm"}
ALL_ROWS = 10**9  # the form cannot leave max_samples out, and its own 100,000 would drop rows silently
PRECISIONS = ("bf16", "fp16", "pure_bf16")
BOOSTERS = {"flash_attn": ("fa2", "flashattn2"), "use_unsloth": (True, "unsloth")}
BOOSTERS |= {"enable_liger_kernel": (True, "liger_kernel")}
# A configuration resets the whole form, or what an earlier one chose would stay: except for these.
NOT_A_RECIPES = {"top.lang", "train.output_dir", "train.config_path", "train.output_box", "train.swanlab_link"}
NOT_A_RECIPES |= {"train.swanlab_api_key"}  # a secret is never written
# What the board says of itself, besides where to write: not part of what a person chose in the form.
OF_THE_BOARD = {"do_train", "output_dir", "cache_dir", "overwrite_output_dir"}
UNASKED = {
    "preprocessing_num_workers",
    "trust_remote_code",
    "ddp_timeout",
    "include_num_input_tokens_seen",
    "plot_loss",
}


def to_config(settings: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The saved configuration from which the board makes the train arguments `settings`, as `lfw render` writes them.

    Its command then differs in `output_dir`, which is the board's to choose, and in arguments with LLaMA-Factory's own
    default values, which the form cannot leave out.
    """
    left = {name: value for name, value in settings.items() if name not in OF_THE_BOARD}
    config = _untouched(form) | {"top.model_name": MODEL, "top.model_path": left.pop("model_name_or_path")}
    stages = {theirs: ours for ours, theirs in form.stages.items()}
    config["train.training_stage"] = stages[left.pop("stage", "sft")]
    config["train.dataset"] = [name.strip() for name in str(left.pop("dataset")).split(",")]
    config["top.checkpoint_path"] = []
    config["train.compute_type"] = _compute_type(left)
    config["top.booster"] = _booster(left)
    said_by_form = {**ELEMENTS, **(OF_LORA if left.get("finetuning_type", "lora") == "lora" else {})}
    if "lora_rank" in left:
        left.setdefault("lora_alpha", 2 * left["lora_rank"])  # LLaMA-Factory's default, which the form would hide
    left.setdefault("max_samples", ALL_ROWS)
    for name, element_id in said_by_form.items():
        if name in left and form.takes(element_id, left[name]):
            value = left.pop(name)
            config[element_id] = _text(value) if name in TEXTBOXES else value
    extra = {name: int(value) if value is False else value for name, value in left.items()}  # it drops false, not 0
    held = {*said_by_form, *PRECISIONS, *BOOSTERS, "stage", "dataset", "model_name_or_path", *OF_THE_BOARD, *extra}
    extra |= {name: None for name in form.says if name not in held and name in UNASKED}
    if "template" not in settings:
        extra["template"] = None  # it reads the tokenizer's own; the form has no word for that
    config["train.extra_args"] = json.dumps(extra, ensure_ascii=False)
    return {element_id: value for element_id, value in config.items() if element_id in form.elements}


def from_config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe that trains with the arguments the board made of a saved configuration.

    Raises:
        UserError: it names no model or no dataset.
    """
    left = {name: value for name, value in arguments.items() if name not in OF_THE_BOARD | UNASKED}
    left.pop("swanlab_api_key", None)
    model, datasets = left.pop("model_name_or_path", None), left.pop("dataset", "")
    if not model:
        raise UserError(
            "the configuration says no model path: the board keeps it apart",
            fix="choose the model and its path in the board once, then save the arguments again",
        )
    if not datasets:
        raise UserError(
            "the configuration names no dataset", fix="choose one in the board and save the arguments again"
        )
    if left.get("stage") == "sft":
        del left["stage"]
    if left.get("max_samples") in {ALL_ROWS, str(ALL_ROWS)}:
        del left["max_samples"]
    template = {"template": left.pop("template")} if "template" in left else {}
    data = {"train": datasets.split(","), "dataset_dir": left.pop("dataset_dir", "data")}
    return {"model": model, **template, "data": data, "train": left}


def _untouched(form: Form) -> dict[str, Any]:
    """The whole form as it is before anyone touches it."""
    wanted = {name: element for name, element in form.elements.items() if name not in NOT_A_RECIPES}
    empty = {"Textbox": ""}
    return {
        name: empty.get(element["type"]) if element["value"] is None else element["value"]
        for name, element in wanted.items()
    }


def _compute_type(left: dict[str, Any]) -> str:
    chosen = [name for name in PRECISIONS if left.get(name)]
    for name in PRECISIONS:
        left.pop(name, None)
    return chosen[0] if chosen else "fp32"


def _booster(left: dict[str, Any]) -> str:
    """The form has room for one; where a recipe has two the others are extra arguments."""
    for name, (value, booster) in BOOSTERS.items():
        if left.get(name) == value:
            del left[name]
            return booster
    return "auto"


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
