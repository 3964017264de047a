"""What the checks look at: a recipe, what it will hand to LLaMA-Factory, and the machine it meets."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lf_wrap.dataset import Turns, turn_lengths
from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.recipe.arguments import Arguments
from lf_wrap.recipe.base_model import BaseModel, base_model
from lf_wrap.recipe.hardware import Hardware
from lf_wrap.recipe.inside_llamafactory import kept
from lf_wrap.recipe.schema import Recipe
from lf_wrap.recipe.setting import Settings
from lf_wrap.recipe.settings import train_settings

NO_RUN = Path("runs/unknown")


@dataclass(frozen=True)
class Case:
    """One recipe to check. Nothing here raises: what cannot be had is None or empty, and a check says why."""

    recipe: Recipe
    path: Path
    hardware: Hardware
    arguments: Arguments
    asked: Callable[[str, Any], Any | None] = kept
    """Asks a program of `inside_llamafactory`; None where it may not be started and no answer is kept."""
    phase: str = ""
    """The key of the training that this is, `before.NAME`; empty for the recipe's own."""
    phase_says: frozenset[str] = frozenset()
    """The keys that stand below it; the others are the whole recipe's."""

    @cached_property
    def sound(self) -> Recipe:
        """The recipe without the train arguments that are wrong in themselves, so that the others can be looked at."""
        known = self.arguments.train
        train = {
            key: value
            for key, value in self.recipe.train.items()
            if key in known and known[key].complaint(value) is None
        }
        return self.recipe.model_copy(update={"train": train})

    @cached_property
    def filled(self) -> Settings | UserError:
        """The train arguments as `train.yaml` will hold them, or the reason why there are none."""
        try:
            return train_settings(self.sound, self.hardware, NO_RUN)
        except UserError as error:
            return error

    @cached_property
    def values(self) -> dict[str, Any]:
        """The value of every train argument: said, filled in, or LLaMA-Factory's own."""
        said = dict(self.sound.train) if isinstance(self.filled, UserError) else self.filled
        plain = {key: getattr(value, "value", value) for key, value in said.items()}
        dataset = {"dataset": ",".join(self.recipe.trained_on)}
        return {**self.arguments.defaults(), "template": self.recipe.template, **dataset, **plain}

    @cached_property
    def model(self) -> BaseModel | None:
        """The base model; None when it is not there."""
        try:
            return base_model(self.recipe.model)
        except UserError:
            return None

    @property
    def dataset_dir(self) -> Path:
        return Path(self.recipe.data.dataset_dir)

    @cached_property
    def lengths(self) -> dict[str, Turns]:
        """The lengths of the training rows by dataset; empty while they are not built or the tokenizer is not here."""
        if self.model is None or self.model.tokenizer_json is None:
            return {}
        try:
            return {
                name: turn_lengths(self.dataset_dir, name, self.model.tokenizer_json) for name in self.recipe.trained_on
            }
        except UserError:
            return {}

    def where(self, key: str) -> str:
        """The place of a dotted key: the recipe's file, with the line if it stands there."""
        if key.partition(".")[0] in self.phase_says:
            key = f"{self.phase}.{key}"
        last = key.rpartition(".")[2]
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        at = [
            number
            for number, line in enumerate(lines, 1)
            if re.match(rf"[\s{{]*[\"']?{re.escape(last)}[\"']?\s*:", line)
        ]
        return f"{shown(self.path)}, line {at[0]}: {key}" if len(at) == 1 else f"{shown(self.path)}: {key}"
