"""Where a training goes on: from the last whole checkpoint of the same inputs, else from the start.

What a training depends on is written down beside its checkpoints. Weights and checkpoints that are of no use to it are
not deleted but set aside, where a later one of the same name takes their place.
"""

from __future__ import annotations

import json
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lf_wrap.files import sha256, shown, usable, write_text
from lf_wrap.pipeline.checkpoints import INDEXES, WEIGHTS, Checkpoint, checkpoints, flaw

RECORD = "lfw_inputs.json"
Inputs = dict[str, str]

# Train arguments that leave the trained weights as they are: where things lie (their contents count by themselves),
# what is logged and saved, and how fast rows are brought up.
NO_MATTER = (
    "model_name_or_path dataset_dir tokenized_path output_dir overwrite_output_dir overwrite_cache run_name report_to "
    "logging_* save_steps save_strategy save_total_limit enable_jit_checkpoint plot_loss disable_tqdm ddp_timeout "
    "dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers dataloader_prefetch_factor "
    "*token hub_* push_to_hub use_swanlab swanlab_* ray_*"
)


def settings_that_matter(train_yaml: dict[str, Any]) -> Inputs:
    """Each train argument that the trained weights depend on; of a config file (DeepSpeed's) its content."""
    return {
        f"train.{key}": sha256(Path(value)) if isinstance(value, str) and Path(value).is_file() else str(value)
        for key, value in sorted(train_yaml.items())
        if not any(fnmatchcase(key, pattern) for pattern in NO_MATTER.split())
    }


def prepare(weights: Path, inputs: Inputs, processes: int, aside: Path) -> tuple[Checkpoint | None, list[str]]:
    """Makes `weights` ready for a training on `inputs`; what it cannot go on from is moved into the folder `aside`.

    Returns the checkpoint to go on from, None for the start, and what there is to tell.
    """
    told = []
    if checkpoints(weights) and (differing := _differing(weights, inputs)):
        told.append(f"the checkpoints in {shown(weights)} are of other inputs ({', '.join(differing)}): set aside")
        set_aside(weights, aside)
    for checkpoint in reversed(checkpoints(weights)):
        wrong = flaw(checkpoint, processes)
        if wrong is None:
            return checkpoint, told
        told.append(f"{checkpoint.path.name} cannot be gone on from ({wrong}): set aside")
        set_aside(checkpoint.path, aside)
    # What a training left without a checkpoint would be in the way of the next: LLaMA-Factory refuses such a folder.
    if any((weights / name).exists() for name in (*WEIGHTS, *INDEXES)):
        set_aside(weights, aside)
    shutil.rmtree(weights, ignore_errors=True)
    write_text(weights / RECORD, json.dumps(inputs, ensure_ascii=False, indent=1) + "\n")
    return None, told


def found(weights: Path, inputs: Inputs, processes: int) -> Checkpoint | None:
    """The checkpoint that `prepare` gives, with nothing moved: for the nodes that follow the one that prepares."""
    if _differing(weights, inputs):
        return None
    return next((one for one in reversed(checkpoints(weights)) if flaw(one, processes) is None), None)


def going_on_from(checkpoint: Checkpoint) -> list[str]:
    """What `llamafactory-cli train` is told besides its YAML to go on from there.

    From a checkpoint of the last step there is nothing left but to write the weights. A trainer with `max_steps` looks
    whether they are reached only after one step more (transformers 5.6, `Trainer._run_epoch`); one with the whole
    epochs that are done begins no other.
    """
    state = checkpoint.state()
    told = [f"resume_from_checkpoint={usable(checkpoint.path)}", "overwrite_output_dir=false"]
    if state["global_step"] >= state["max_steps"]:
        told += [f"num_train_epochs={int(state['epoch'])}", "max_steps=-1"]
    return told


def set_aside(path: Path, aside: Path) -> None:
    """Moves `path` into the folder `aside`, in the place of an earlier one of its name."""
    aside.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(aside / path.name, ignore_errors=True)
    path.rename(aside / path.name)


def _differing(weights: Path, inputs: Inputs) -> list[str]:
    """The names of the inputs that the checkpoints in `weights` were not made with."""
    try:
        recorded = json.loads((weights / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ["which ones is not written down"]
    return [name for name in sorted({*recorded, *inputs}) if recorded.get(name) != inputs.get(name)]
