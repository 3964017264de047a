"""Arguments that LLaMA-Factory refuses together.

Each rule stands in its `hparams/` (0.9.5: parser.py, data_args.py, finetuning_args.py, model_args.py) or in the
`_validate_args` of transformers' TrainingArguments (5.6), where it stops the run after torch was imported on every
GPU. tests/recipe/checks/test_conflicts.py asks the real parser about each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.deepspeed import zero_stage

Values = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """`broken` tells from all values whether the rule is; `keys` are the arguments to look at, the likeliest first."""

    keys: tuple[str, ...]
    broken: Callable[[Values], Any]
    what: str
    fix: str


def problems(case: Case) -> Iterator[Problem]:
    values = {**case.values, "deepspeed": case.sound.train.get("deepspeed")}  # its name, not yet a rendered file
    for rule in RULES:
        if rule.broken(values):
            said = [key for key in rule.keys if key in case.recipe.train]
            yield Problem("error", rule.what, case.where(f"train.{(said or rule.keys)[0]}"), rule.fix)


def _listed(value: Any) -> list[str]:
    """What LLaMA-Factory's `split_arg` makes of a list or of a text with commas."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value or [])


def _zero3(values: Values) -> bool:
    return zero_stage(values["deepspeed"]) == 3


def _evaluates(values: Values) -> bool:
    wished = ("do_eval", "do_predict", "predict_with_generate")
    return any(values[key] for key in wished) or values["eval_strategy"] != "no"


def _sharply_scheduled(values: Values) -> bool:
    return values["lr_scheduler_type"] in {"reduce_lr_on_plateau", "greedy"} and values["eval_strategy"] == "no"


def _saves_off_evaluation(values: Values) -> bool:
    if not values["load_best_model_at_end"] or values["save_strategy"] == "best":
        return False
    if values["eval_strategy"] != values["save_strategy"]:
        return True
    every = values["eval_steps"] or values["logging_steps"]
    return bool(values["eval_strategy"] == "steps" and every >= 1 and values["save_steps"] % every)


def _fraction_above_one(values: Values) -> bool:
    steps = (values["logging_steps"], values["save_steps"], values["eval_steps"] or 0)
    return any(value > 1 and value != int(value) for value in steps)


RULES = (
    # stages
    Rule(
        ("predict_with_generate", "stage"),
        lambda v: v["stage"] != "sft" and v["predict_with_generate"],
        "predict_with_generate works in the sft stage only",
        "take it out: lfw's evaluation generates after training",
    ),
    Rule(
        ("neat_packing", "stage"),
        lambda v: v["stage"] != "sft" and v["neat_packing"],
        "neat_packing works in the sft stage only",
        "take it out: the pt stage packs by itself",
    ),
    Rule(
        ("train_on_prompt", "mask_history", "stage"),
        lambda v: v["stage"] != "sft" and (v["train_on_prompt"] or v["mask_history"]),
        "train_on_prompt and mask_history work in the sft stage only",
        "take them out",
    ),
    Rule(
        ("do_predict",),
        lambda v: v["stage"] == "sft" and v["do_predict"] and not v["predict_with_generate"],
        "do_predict needs predict_with_generate",
        "take do_predict out: lfw's evaluation asks the test rows after training",
    ),
    Rule(
        ("load_best_model_at_end", "stage"),
        lambda v: v["stage"] in {"rm", "ppo"} and v["load_best_model_at_end"],
        "the rm and ppo stages do not support load_best_model_at_end",
        "take it out",
    ),
    Rule(
        ("reward_model", "stage"),
        lambda v: v["stage"] == "ppo" and v["reward_model"] is None,
        "the ppo stage needs a reward_model",
        "train one with `stage: rm` and name its folder",
    ),
    Rule(
        ("reward_model_type", "finetuning_type"),
        lambda v: (
            v["stage"] == "ppo"
            and v["reward_model_type"] in {"lora", "oft"}
            and v["reward_model_type"] != v["finetuning_type"]
        ),
        "a reward model that is an adapter needs the same finetuning_type in the ppo stage",
        "set reward_model_type: full, or the finetuning_type of the reward model",
    ),
    Rule(
        ("dpo_label_smoothing", "pref_loss"),
        lambda v: v["stage"] == "dpo" and v["pref_loss"] != "sigmoid" and v["dpo_label_smoothing"] > 1e-6,
        "dpo_label_smoothing is for pref_loss: sigmoid only",
        "take it out",
    ),
    # data
    Rule(
        ("val_size", "eval_dataset"),
        lambda v: v["eval_dataset"] and v["val_size"] > 1e-6,
        "val_size and eval_dataset exclude each other",
        "keep eval_dataset: its rows are not taken from training",
    ),
    Rule(
        ("eval_strategy", "do_eval", "do_predict", "predict_with_generate", "eval_dataset", "val_size"),
        lambda v: _evaluates(v) and not v["eval_dataset"] and v["val_size"] < 1e-6,
        "evaluation while training needs rows to evaluate on",
        "name an eval_dataset, or hold rows back with val_size: 0.05",
    ),
    Rule(
        ("interleave_probs", "mix_strategy"),
        lambda v: v["interleave_probs"] and v["mix_strategy"] == "concat",
        "interleave_probs needs an interleaving mix_strategy",
        "set mix_strategy: interleave_under or interleave_over",
    ),
    Rule(
        ("interleave_probs",),
        lambda v: (
            v["interleave_probs"]
            and v["mix_strategy"] != "concat"
            and len(_listed(v["interleave_probs"])) != len(_listed(v["dataset"]))
        ),
        "interleave_probs needs one number for each training dataset",
        "give as many, in the order of data.train",
    ),
    Rule(
        ("max_steps", "streaming"),
        lambda v: v["streaming"] and v["max_steps"] == -1,
        "streaming needs max_steps: a stream does not know its length",
        "set max_steps, or take streaming out",
    ),
    Rule(
        ("val_size", "streaming"),
        lambda v: v["streaming"] and 1e-6 < v["val_size"] < 1,
        "streaming needs val_size as a number of rows",
        "set val_size to a whole number",
    ),
    Rule(
        ("max_samples", "streaming"),
        lambda v: v["streaming"] and v["max_samples"] is not None,
        "max_samples and streaming exclude each other",
        "take one of the two out",
    ),
    Rule(
        ("streaming", "tokenized_path"),
        lambda v: v["streaming"] and v["tokenized_path"],
        "streaming and tokenized_path exclude each other when rows are tokenized",
        "take streaming out",
    ),
    Rule(
        ("mask_history", "train_on_prompt"),
        lambda v: v["mask_history"] and v["train_on_prompt"],
        "mask_history and train_on_prompt exclude each other",
        "take one of the two out",
    ),
    # methods
    Rule(
        ("adapter_name_or_path", "finetuning_type"),
        lambda v: v["adapter_name_or_path"] and v["finetuning_type"] != "lora",
        "an adapter to start from needs finetuning_type: lora",
        "export the adapter into the model first, and name that model",
    ),
    Rule(
        ("quantization_bit", "finetuning_type"),
        lambda v: v["quantization_bit"] is not None and v["finetuning_type"] not in {"lora", "oft"},
        "a quantized model can only be tuned with an adapter",
        "set finetuning_type: lora, or take quantization_bit out",
    ),
    Rule(
        ("quantization_bit",),
        lambda v: v["quantization_bit"] not in {None, 4, 8} and v["quantization_method"] == "bnb",
        "bitsandbytes quantizes to 4 or 8 bits only",
        "set quantization_bit: 4",
    ),
    Rule(
        ("pissa_init", "quantization_bit"),
        lambda v: v["quantization_bit"] is not None and v["pissa_init"],
        "pissa_init does not work on a quantized model",
        "take pissa_init out, or prepare the model with LLaMA-Factory's scripts/pissa_init.py",
    ),
    Rule(
        ("resize_vocab", "quantization_bit"),
        lambda v: v["quantization_bit"] is not None and v["resize_vocab"],
        "the embeddings of a quantized model cannot be resized",
        "take resize_vocab or quantization_bit out",
    ),
    Rule(
        ("create_new_adapter", "quantization_bit"),
        lambda v: v["quantization_bit"] is not None and v["adapter_name_or_path"] and v["create_new_adapter"],
        "a quantized model cannot get a new adapter on top of another",
        "export the first adapter, and tune that model",
    ),
    Rule(
        ("adapter_name_or_path", "quantization_bit"),
        lambda v: v["quantization_bit"] is not None and len(_listed(v["adapter_name_or_path"])) > 1,
        "a quantized model takes one adapter only",
        "merge them first",
    ),
    Rule(
        ("quantization_device_map",),
        lambda v: v["do_train"] and v["quantization_device_map"] == "auto",
        "quantization_device_map: auto is not for training",
        "take it out",
    ),
    Rule(
        ("fp8", "quantization_bit"),
        lambda v: v["fp8"] and v["quantization_bit"] is not None,
        "fp8 does not work on a quantized model",
        "take fp8 out",
    ),
    Rule(
        ("loraplus_lr_ratio", "use_rslora", "use_dora", "pissa_init", "finetuning_type"),
        lambda v: (
            v["finetuning_type"] != "lora"
            and (v["loraplus_lr_ratio"] is not None or v["use_rslora"] or v["use_dora"] or v["pissa_init"])
        ),
        "loraplus_lr_ratio, use_rslora, use_dora and pissa_init are for finetuning_type: lora only",
        "take them out, or set finetuning_type: lora",
    ),
    Rule(
        ("pissa_init", "stage"),
        lambda v: (
            v["pissa_init"]
            and (v["stage"] in {"ppo", "kto"} or (v["stage"] == "dpo" and v["pref_loss"] not in {"orpo", "simpo"}))
        ),
        "pissa_init does not work in stages that compare with a reference model",
        "take it out",
    ),
    Rule(
        ("use_llama_pro", "finetuning_type"),
        lambda v: v["use_llama_pro"] and v["finetuning_type"] == "full",
        "use_llama_pro is for finetuning_type: freeze or lora",
        "set finetuning_type: freeze",
    ),
    Rule(
        ("use_galore", "use_apollo", "use_badam", "finetuning_type"),
        lambda v: v["finetuning_type"] == "lora" and (v["use_galore"] or v["use_apollo"] or v["use_badam"]),
        "GaLore, APOLLO and BAdam are not for finetuning_type: lora",
        "set finetuning_type: full",
    ),
    Rule(
        ("use_galore", "use_apollo", "use_badam"),
        lambda v: bool(v["use_galore"]) + bool(v["use_apollo"]) + bool(v["use_badam"]) > 1,
        "GaLore, APOLLO and BAdam exclude each other",
        "keep one",
    ),
    Rule(
        ("use_galore", "use_apollo", "deepspeed"),
        lambda v: v["deepspeed"] and (v["use_galore"] or v["use_apollo"]),
        "GaLore and APOLLO do not work with DeepSpeed",
        "take deepspeed out: they save the memory that it would",
    ),
    Rule(
        ("infer_backend",),
        lambda v: v["infer_backend"] != "huggingface",
        "infer_backend is for chat and the API, not for training",
        "take it out",
    ),
    # DeepSpeed ZeRO-3
    Rule(
        ("predict_with_generate", "deepspeed"),
        lambda v: _zero3(v) and v["predict_with_generate"],
        "predict_with_generate does not work with DeepSpeed ZeRO-3",
        "take it out: lfw's evaluation generates after training",
    ),
    Rule(
        ("pissa_init", "deepspeed"),
        lambda v: _zero3(v) and v["pissa_init"],
        "pissa_init does not work with DeepSpeed ZeRO-3",
        "take a config of ZeRO-2",
    ),
    Rule(
        ("pure_bf16", "deepspeed"),
        lambda v: _zero3(v) and v["pure_bf16"],
        "pure_bf16 does not work with DeepSpeed ZeRO-3",
        "set bf16 instead",
    ),
    Rule(
        ("use_unsloth", "deepspeed"),
        lambda v: _zero3(v) and v["use_unsloth"],
        "unsloth does not work with DeepSpeed ZeRO-3",
        "take use_unsloth out",
    ),
    # the Trainer's own
    Rule(
        ("compute_accuracy", "predict_with_generate"),
        lambda v: v["predict_with_generate"] and v["compute_accuracy"],
        "predict_with_generate and compute_accuracy exclude each other",
        "take one of the two out",
    ),
    Rule(("bf16", "fp16"), lambda v: v["bf16"] and v["fp16"], "bf16 and fp16 exclude each other", "keep one"),
    Rule(
        ("bf16_full_eval", "fp16_full_eval"),
        lambda v: v["bf16_full_eval"] and v["fp16_full_eval"],
        "bf16_full_eval and fp16_full_eval exclude each other",
        "keep one",
    ),
    Rule(
        ("load_best_model_at_end", "save_steps", "eval_steps", "save_strategy", "eval_strategy"),
        _saves_off_evaluation,
        "load_best_model_at_end needs a checkpoint at each evaluation: the same save_strategy and eval_strategy, "
        "and save_steps a multiple of eval_steps",
        "set eval_strategy, save_strategy and their steps alike",
    ),
    Rule(
        ("early_stopping_steps",),
        lambda v: (
            v["early_stopping_steps"] is not None
            and (v["eval_strategy"] == "no" or not (v["metric_for_best_model"] or v["load_best_model_at_end"]))
        ),
        "early_stopping_steps needs an evaluation to compare: eval_strategy, and load_best_model_at_end or a "
        "metric_for_best_model",
        "set eval_strategy: steps, eval_steps, load_best_model_at_end: true and an eval_dataset or val_size",
    ),
    Rule(
        ("lr_scheduler_type", "eval_strategy"),
        _sharply_scheduled,
        "this lr_scheduler_type follows the evaluation loss: it needs an eval_strategy",
        "set eval_strategy: steps, or lr_scheduler_type: cosine",
    ),
    Rule(
        ("logging_steps",),
        lambda v: v["logging_strategy"] == "steps" and v["logging_steps"] == 0,
        "logging_steps cannot be 0",
        "set it to 1 or more",
    ),
    Rule(
        ("logging_steps", "save_steps", "eval_steps"),
        _fraction_above_one,
        "logging_steps, save_steps and eval_steps above 1 are whole numbers of steps",
        "round them; below 1 they are a share of all steps",
    ),
    Rule(
        ("warmup_steps", "warmup_ratio"),
        lambda v: (v["warmup_steps"] or 0) < 0 or (v["warmup_ratio"] or 0) < 0,
        "the warmup cannot be negative",
        "set warmup_ratio: 0.1",
    ),
    Rule(
        ("dataloader_prefetch_factor",),
        lambda v: v["dataloader_prefetch_factor"] is not None and v["dataloader_num_workers"] == 0,
        "dataloader_prefetch_factor needs dataloader_num_workers",
        "set dataloader_num_workers: 4",
    ),
)
