"""What a recipe leaves out of its train arguments, filled in from the data and the hardware, each with its reason."""

from __future__ import annotations

import os
from importlib.util import find_spec
from math import ceil
from pathlib import Path

from lf_wrap.dataset import ROUND_UP_TO, Lengths
from lf_wrap.recipe.base_model import BaseModel
from lf_wrap.recipe.batch import batch
from lf_wrap.recipe.deepspeed import zero_stage
from lf_wrap.recipe.hardware import Hardware
from lf_wrap.recipe.memory import masks_pairs
from lf_wrap.recipe.schema import Recipe
from lf_wrap.recipe.setting import Setting, Settings
from lf_wrap.recipe.steps import steps_of

LONGEST_UNASKED = 4096  # a single endless row must not set the memory of every batch
LEARNING_RATE = {"lora": 1e-4, "full": 1e-5, "freeze": 1e-5}  # LoRA takes about ten times a full tuning's
UNMEASURED = 2048
WARMUP = 0.1  # a share of all steps; transformers takes the ratio where both are said, so only one is filled in
WARMUPS = {"warmup_steps", "warmup_ratio"}
LOADERS = 4  # 0.1 s of one core makes the mask of a pack of 4,096, and a step of a small model takes 0.11 s
NOTHING = Setting(None)
PRECISIONS = ("bf16", "fp16", "pure_bf16", "fp8")


def unsaid(
    recipe: Recipe, said: Settings, lengths: list[Lengths] | None, model: BaseModel, hardware: Hardware
) -> Settings:
    """What the recipe leaves out, from the data and the hardware."""
    filled: Settings = {"cutoff_len": _cutoff_len(lengths, model)}
    filled["overwrite_cache"] = Setting(True, "a changed dataset of the same name is read anew")
    filled["plot_loss"] = Setting(True)
    filled["report_to"] = Setting("none", "no tracker unless asked for")
    filled["logging_nan_inf_filter"] = Setting(False, "or a loss of NaN is logged as 0")
    if _knows_sigterm():
        filled["enable_jit_checkpoint"] = Setting(True, "who stops it, with Ctrl-C or SIGTERM, loses no step")
    filled["learning_rate"] = Setting(
        LEARNING_RATE.get(recipe.finetuning_type, 1e-5), f"usual for {recipe.finetuning_type}"
    )
    if said.get("pissa_init", NOTHING).value:
        filled["pissa_convert"] = Setting(True, "an adapter for the model as it is, not for what PiSSA leaves of it")
    filled["num_train_epochs"] = Setting(3.0)
    filled["lr_scheduler_type"] = Setting("cosine")
    filled["seed"] = Setting(42)
    if not hardware.gpus:
        filled["use_cpu"] = Setting(True, "no GPU here: fp32 on the CPU")
    elif not any(precision in said for precision in PRECISIONS):
        precision = "bf16" if hardware.bf16 else "fp16"
        filled[precision] = Setting(True, f"{hardware} {'has' if hardware.bf16 else 'lacks'} bf16 matrix units")
    zero = zero_stage(recipe.train.get("deepspeed")) or 0
    cutoff = int({**filled, **said}["cutoff_len"].value)
    longest = min(cutoff, max(length.max for length in lengths)) if lengths else None
    filled |= batch({**filled, **said}, recipe.effective_batch, model.shape, longest, hardware, zero)
    filled |= _loader(said, hardware)
    return filled | _steps({**filled, **said}, lengths, hardware)


def _knows_sigterm() -> bool:
    """Whether the installed trainer (transformers 5 and later) can write a checkpoint when it is told to stop.

    Ray trains in a thread, where Python takes no signals.
    """
    found = find_spec("transformers")
    places = list(found.submodule_search_locations or []) if found else []
    return "USE_RAY" not in os.environ and any((Path(place) / "trainer_jit_checkpoint.py").exists() for place in places)


def _cutoff_len(lengths: list[Lengths] | None, model: BaseModel) -> Setting:
    if lengths is None:
        return Setting(UNMEASURED, "a guess: measured once the datasets are built and the tokenizer is a local file")
    longest = max(length.max for length in lengths)
    rows = sum(length.rows for length in lengths)
    limit = min(model.max_positions or LONGEST_UNASKED, LONGEST_UNASKED)
    rounded = ceil(longest / ROUND_UP_TO) * ROUND_UP_TO
    if rounded <= limit:
        return Setting(rounded, f"the longest of {rows:,} rows has up to {longest:,} tokens")
    return Setting(limit, f"the longest of {rows:,} rows has up to {longest:,} tokens and will be cut")


def _loader(said: Settings, hardware: Hardware) -> Settings:
    """Processes that make batches beside the training, where a batch takes long to make.

    Without flash attention, neat_packing needs a mask of every pair of a pack's tokens, which LLaMA-Factory's collator
    makes on the CPU: 38 ms of a step's 171 beside an H100 with packs of 2,048 (docs/benchmarks.md).
    """
    masks = masks_pairs({key: setting.value for key, setting in said.items()})
    workers = min(LOADERS, hardware.cores // hardware.local_size - 1) if hardware.gpus and masks else 0
    if workers < 1:
        return {}
    return {"dataloader_num_workers": Setting(workers, "the masks of the packs are made beside the training")}


def _steps(settings: Settings, lengths: list[Lengths] | None, hardware: Hardware) -> Settings:
    """The warm-up, and how often to log and save: about fifty points in the loss curve, about five checkpoints.

    Of the checkpoints two are kept.
    """
    ratio = {"warmup_ratio": Setting(WARMUP)} if not WARMUPS & settings.keys() else {}
    if lengths is None:
        return {**ratio, "logging_steps": Setting(10), "save_steps": Setting(500), "save_total_limit": Setting(2)}
    values = {key: setting.value for key, setting in settings.items()}
    steps = steps_of(lengths, values, hardware)
    if values.get("max_steps", -1) > 0:  # -1 is the Trainer's own "not set"
        steps = values["max_steps"]
    why = f"of about {steps:,.0f} steps"
    warmup = {"warmup_steps": Setting(round(WARMUP * steps), f"a tenth {why}")} if ratio else {}
    logging, saving = max(1, min(10, round(steps / 50))), max(50, round(steps / 5))
    often = {"logging_steps": Setting(logging, why), "save_steps": Setting(saving, why)}
    return {**warmup, **often, "save_total_limit": Setting(2)}
