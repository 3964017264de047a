"""What an earlier run left and this one would take for its own: checkpoints and tokenized rows."""

from __future__ import annotations

import json
import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lf_wrap.dataset import files_in, registered_file
from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.steps import packs, steps

ARGUMENTS = "training_args.bin"


def problems(case: Case) -> Iterator[Problem]:
    yield from _checkpoint(case)
    yield from _tokenized(case)


def _checkpoint(case: Case) -> Iterator[Problem]:
    said, where = case.recipe.train.get("resume_from_checkpoint"), case.where("train.resume_from_checkpoint")
    if not isinstance(said, str):
        return
    state = Path(said).expanduser() / "trainer_state.json"
    if not state.is_file():
        fix = "name a folder checkpoint-… of an earlier run; `lfw run` goes on in its own by itself"
        yield Problem("error", f"{shown(said)} is no checkpoint: it has no trainer_state.json", where, fix)
        return
    try:
        told = json.loads(state.read_text(encoding="utf-8"))
        reached = int(told["global_step"])
    except (ValueError, KeyError, TypeError):
        yield Problem("error", f"{shown(state)} is broken", where, "name an earlier checkpoint")
        return
    wanted = steps(case.values, case.lengths, case.hardware)
    if wanted is not None and reached >= wanted:
        what = f"{shown(said)} has reached step {reached:,}, and this training has {wanted:,}: it would end at once"
        yield Problem("error", what, where, "to train on with other data, name its adapter or model instead")
        return
    yield from _other_training(case, said, told, wanted)


def _other_training(case: Case, said: str, told: dict[str, Any], wanted: int | None) -> Iterator[Problem]:
    """The trainer counts the steps that are done in its own batches, and takes the optimizer with its rate and the
    schedule from the checkpoint: in another training rows are skipped or repeated, and a new rate is not heeded.
    """
    now = {
        "steps": ("max_steps", None if packs(case.values) else wanted),  # of packs the number is only about right
        "rows a batch": ("train_batch_size", case.values["per_device_train_batch_size"]),
    }
    differing = [
        f"{name} {told[key]:,} instead of {value:,}"
        for name, (key, value) in now.items()
        if isinstance(told.get(key), int) and value is not None and told[key] != value
    ]
    if differing:
        what = (
            f"{shown(said)} is of another training ({', '.join(differing)}): rows would be skipped or repeated, and "
            "its learning rate would go on, not this one's"
        )
        fix = "go on with what it was begun with, or begin from its adapter (adapter_name_or_path) or model"
        yield Problem("warning", what, case.where("train.resume_from_checkpoint"), fix)
        return
    before, rate = _saved_rate(Path(said).expanduser() / ARGUMENTS), case.values.get("learning_rate")
    if before is not None and isinstance(rate, int | float) and before != rate:
        what = f"{shown(said)} goes on with its own learning_rate {before:g}: this one's {rate:g} is not heeded"
        fix = f"set learning_rate: {before:g}, or begin from its adapter (adapter_name_or_path) or model"
        yield Problem("warning", what, case.where("train.learning_rate"), fix)


def _saved_rate(file: Path) -> float | None:
    """The learning rate in the arguments that transformers pickles beside a checkpoint; None where it is not found.

    `torch.save` writes a zip archive with the pickle in it, which is looked through and not run.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            words = [word for _, word, _ in pickletools.genops(archive.read(name)) if isinstance(word, str | float)]
    except (OSError, ValueError, zipfile.BadZipFile):
        return None
    found = words[words.index("learning_rate") + 1 :][:1] if "learning_rate" in words else []
    return found[0] if found and isinstance(found[0], float) else None


def _tokenized(case: Case) -> Iterator[Problem]:
    """LLaMA-Factory loads a tokenized_path that exists, and ignores all other data arguments."""
    said = case.recipe.train.get("tokenized_path")
    folder = Path(said).expanduser() if isinstance(said, str) else None
    if folder is None or not folder.is_dir() or not any(folder.iterdir()):
        return
    where, newer = case.where("train.tokenized_path"), _changed_since(case, folder.stat().st_mtime)
    if newer:
        what = f"{shown(folder)} was tokenized before {', '.join(newer)} changed: training would use the old rows"
        yield Problem("error", what, where, "remove that folder, or name another")
    else:
        what = f"{shown(folder)} exists: LLaMA-Factory takes its rows and ignores datasets, template and cutoff_len"
        yield Problem("warning", what, where, "remove it if any of these have changed")


def _changed_since(case: Case, moment: float) -> list[str]:
    changed = []
    for name in case.recipe.trained_on:
        try:
            _, path = registered_file(case.dataset_dir, name)
        except UserError:
            continue  # told by the check of the datasets
        if max(file.stat().st_mtime for file in files_in(path)) > moment:
            changed.append(name)
    return changed
