"""Finished runs where the board looks for checkpoints: `saves/<model>/<finetuning type>/<run>/`.

The weights stay in the run; the board's folder holds links to them, so that nothing it writes changes what the run's
ledger vouches for. A folder without `llamaboard_config.yaml` would crash the board when picked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lf_wrap.board.form import Form
from lf_wrap.board.saved_config import MODEL
from lf_wrap.files import shown, write_text
from lf_wrap.pipeline import RunFolder
from lf_wrap.recipe import Recipe, load_recipe, weights_folder

SAVES = "saves"
CONFIG = "llamaboard_config.yaml"


@dataclass(frozen=True)
class FinishedRun:
    """A run whose training ended well, and whose weights are there."""

    folder: RunFolder
    recipe: Recipe
    weights: Path

    @property
    def name(self) -> str:
        """As it is called in the board: the recipe's name and the run's."""
        return f"{self.recipe.name}-{self.folder.path.name}"

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was trained with."""
        said: dict[str, Any] = yaml.safe_load(self.folder.train_yaml.read_text(encoding="utf-8"))
        return said


def finished_runs(runs: Path, form: Form) -> tuple[list[FinishedRun], dict[str, str]]:
    """The finished runs, oldest first, and the folders that are none with the reason."""
    found, passed_over = [], {}
    for path in sorted(file.parent for file in runs.glob("*/*/recipe.yaml")):
        folder = RunFolder(path)
        try:
            recipe = load_recipe(path / "recipe.yaml")
        except Exception as error:  # noqa: BLE001  (whatever a person did to that folder, the others are shown)
            passed_over[shown(path)] = str(error).partition("\n")[0]
            continue
        weights = weights_folder(recipe, path)
        if folder.finished("train") is None:
            passed_over[shown(path)] = "its training has not ended well"
        elif not any((weights / name).is_file() for name in form.checkpoint_names):
            passed_over[shown(path)] = f"no weights in {weights.name}/"
        elif not folder.train_yaml.is_file():
            passed_over[shown(path)] = "no train.yaml"
        else:
            found.append(FinishedRun(folder, recipe, weights))
    return found, passed_over


def place(run: FinishedRun, config: dict[str, Any], root: Path) -> Path:
    """Puts the run where the board in `root` finds it; what is there already stays. Returns the folder."""
    folder = root / SAVES / MODEL / run.recipe.finetuning_type / run.name
    folder.mkdir(parents=True, exist_ok=True)
    for file in run.weights.iterdir():
        link = folder / file.name
        if file.is_file() and not link.exists():
            link.unlink(missing_ok=True)  # a link to what has gone
            link.symlink_to(os.path.relpath(file.resolve(), folder.resolve()))
    if not (folder / CONFIG).exists():
        write_text(folder / CONFIG, yaml.safe_dump(config, allow_unicode=True))
    return folder
