"""LLaMA-Factory's own YAML style: one section a topic, in its order, each filled-in value with its reason."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import yaml

from lf_wrap import __version__
from lf_wrap.recipe.setting import Settings

# Where LLaMA-Factory's examples put an argument; `*` stands for any end. What no section names is about training.
SECTIONS = {
    "model": "model_name_or_path adapter_name_or_path trust_remote_code quantization_* flash_attn use_unsloth "
    "enable_liger_kernel rope_scaling resize_vocab",
    "method": "stage do_train do_eval finetuning_type lora_* freeze_* additional_target use_rslora use_dora pissa_* "
    "deepspeed fsdp* galore_* neftune_*",
    "dataset": "dataset dataset_dir eval_dataset template default_system enable_thinking cutoff_len max_samples "
    "overwrite_cache preprocessing_* dataloader_* tokenized_path packing neat_packing mask_history train_on_prompt "
    "mix_strategy interleave_probs streaming",
    "output": "output_dir overwrite_output_dir logging_* save_* plot_loss report_to run_name",
    "export": "export_*",
    "train": "",
    "eval": "val_size eval_* per_device_eval_batch_size predict_with_generate",
}


def to_yaml(settings: Settings, origin: str, command: str) -> str:
    """The config file's text; `origin` is the recipe's path, `command` how to run the file without lfw."""
    lines = [f"# Rendered by lfw {__version__} from {origin}. To run it without lfw: {command}"]
    for section in SECTIONS:
        keys = [key for key in settings if _section(key) == section]
        if keys:
            lines += ["", f"### {section}"]
            lines += [_line(key, settings[key].value, settings[key].why) for key in keys]
    return "\n".join(lines) + "\n"


def _section(key: str) -> str:
    for section, names in SECTIONS.items():
        if any(fnmatchcase(key, name) for name in names.split()):
            return section
    return "train"


def _line(key: str, value: Any, why: str) -> str:
    text = yaml.safe_dump({key: value}, allow_unicode=True, width=10_000, sort_keys=False).rstrip("\n")
    return f"{text}  # {why}" if why and "\n" not in text else text
