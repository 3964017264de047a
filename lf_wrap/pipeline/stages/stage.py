"""What a stage is, and the run it works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.pipeline.run_folder import RunFolder
from lf_wrap.recipe import Hardware, Recipe, exported_weights, launch_environment, phases, test_name, weights_folder

MODELS = ("base", "tuned")


@dataclass(frozen=True)
class Run:
    """One recipe on its way through the stages."""

    recipe: Recipe
    recipe_path: Path
    folder: RunFolder
    hardware: Hardware
    console: Console
    before: tuple[RunFolder, ...] = ()
    """The folders of the phases that came before, whose weights this training begins from."""

    def phases(self) -> list[Run]:
        """The runs of the recipe's trainings, in order; the last is this one, beginning where the others ended."""
        *earlier, (own, _) = phases(self.recipe, self.folder.path)
        before = [replace(self, recipe=recipe, folder=RunFolder(folder)) for recipe, folder in earlier]
        return [*before, replace(self, recipe=own, before=tuple(phase.folder for phase in before))]

    @property
    def dataset_dir(self) -> Path:
        return Path(self.recipe.data.dataset_dir)

    @property
    def weights(self) -> Path:
        return weights_folder(self.recipe, self.folder.path)

    @property
    def exported(self) -> Path:
        """The adapter or weights that the export is made of."""
        return exported_weights(self.recipe, self.folder.path)

    def environment(self) -> dict[str, str]:
        """What LLaMA-Factory's processes are started with, beside our own environment."""
        return {name: setting.value for name, setting in launch_environment(self.recipe, self.hardware).items()}

    def tests(self) -> dict[str, str]:
        """The datasets that are asked about, each with the registered name of its test rows."""
        return {name: test_name(self.recipe, name) for name in self.recipe.evaluate.test}

    def left_by(self, stage: str) -> dict[str, str]:
        """What the earlier `stage` left, from the ledger: hashing weights twice would be waste.

        Raises:
            UserError: that stage is not done.
        """
        end = self.folder.finished(stage)
        if end is None:
            raise UserError(
                f"the {stage} stage of {shown(self.folder.path)} is not done", fix=f"run with --from {stage}"
            )
        return dict(end["outputs"])


@dataclass(frozen=True)
class Stage:
    """`inputs` gives what the stage depends on (name: hash), `outputs` what it leaves in the run folder.

    `forget` takes out of its way what a stage would otherwise go on from, when it is asked for again by its name.
    """

    name: str
    inputs: Callable[[Run], dict[str, str]]
    outputs: Callable[[Run], list[Path]]
    do: Callable[[Run], None]
    forget: Callable[[Run], None] = lambda run: None
