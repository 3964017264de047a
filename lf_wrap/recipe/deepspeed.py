"""DeepSpeed's configuration by name: `train.deepspeed: zero2`, and the JSON it reads is rendered into the run folder.

A value of "auto" is filled in by transformers' DeepSpeed integration from the train arguments, so that batch size,
precision and clipping are said once (transformers 5.6, `integrations/deepspeed.py`, `trainer_config_process`).
What neither says is DeepSpeed's default (its documentation, "DeepSpeed Configuration JSON").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import existing_file, write_text
from lf_wrap.recipe.schema import Recipe

FROM_THE_TRAIN_ARGUMENTS: dict[str, Any] = {
    "train_batch_size": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
    "gradient_clipping": "auto",  # max_grad_norm
    "fp16": {"enabled": "auto"},
    "bf16": {"enabled": "auto"},
    # The Trainer brings the optimizer; DeepSpeed refuses those that it has not tried with ZeRO unless told so.
    "zero_allow_untested_optimizer": True,
}
ON_CPU = {"device": "cpu", "pin_memory": True}  # pinned memory is copied to the GPU without the CPU's help
# Gradients leave during the backward pass, unfragmented.
OVERLAPPED = {"overlap_comm": True, "contiguous_gradients": True}
# Elements. DeepSpeed's 5e8 take 9 GB a GPU where communication overlaps, these 3.6 (transformers' DeepSpeed guide).
BUCKET = 200_000_000
STAGE_2 = {**OVERLAPPED, "reduce_bucket_size": BUCKET, "allgather_bucket_size": BUCKET}
STAGE_3 = {
    **OVERLAPPED,
    # Sized from the model's hidden_size by transformers: hidden², 0.9 hidden² and 10 hidden elements.
    "reduce_bucket_size": "auto",
    "stage3_prefetch_bucket_size": "auto",
    "stage3_param_persistence_threshold": "auto",
    # Without it a checkpoint holds each rank's share alone, and there is nothing to export.
    "stage3_gather_16bit_weights_on_model_save": True,
}
ZERO: dict[str, dict[str, Any]] = {
    "zero0": {"stage": 0},  # every GPU holds everything: data-parallel training alone
    "zero2": {"stage": 2, **STAGE_2},  # optimizer states and gradients are shared out
    "zero2_offload": {"stage": 2, **STAGE_2, "offload_optimizer": ON_CPU},
    "zero3": {"stage": 3, **STAGE_3},  # the weights too
    "zero3_offload": {"stage": 3, **STAGE_3, "offload_optimizer": ON_CPU, "offload_param": ON_CPU},
}


def deepspeed_file(recipe: Recipe, run: Path) -> Path | None:
    """The configuration that the recipe's `train.deepspeed` stands for; None where it says nothing.

    Raises:
        UserError: it is neither a name lfw knows nor a JSON file.
    """
    said = recipe.train.get("deepspeed")
    if not said:
        return None
    if said in ZERO:
        return run / f"deepspeed_{said}.json"
    if isinstance(said, str) and said.endswith(".json"):
        return existing_file(Path(said).expanduser(), fix=f"or name one that lfw renders: {', '.join(ZERO)}")
    raise UserError(
        f"there is no DeepSpeed configuration {said!r}",
        where="train.deepspeed",
        fix=f"{did_you_mean(str(said), ZERO)} Or give a JSON file of your own",
    )


def write_deepspeed(recipe: Recipe, run: Path) -> Path | None:
    """Writes the named configuration into the run folder and returns it; a file of the user's own is left alone."""
    path = deepspeed_file(recipe, run)
    if path is not None and recipe.train["deepspeed"] in ZERO:
        config = {**FROM_THE_TRAIN_ARGUMENTS, "zero_optimization": ZERO[recipe.train["deepspeed"]]}
        write_text(path, json.dumps(config, indent=2) + "\n")
    return path


def zero_stage(said: Any) -> int | None:
    """0 to 3, the ZeRO stage of a name that lfw knows or of a configuration; None where it is neither."""
    if isinstance(said, str):
        try:
            said = {"zero_optimization": ZERO[said]} if said in ZERO else json.loads(Path(said).read_text("utf-8"))
        except (OSError, ValueError):
            return None
    stage = said.get("zero_optimization", {}).get("stage", 0) if isinstance(said, dict) else None
    return stage if isinstance(stage, int) else None
