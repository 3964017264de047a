"""The trainings that come before a recipe's own, each beginning from the weights that the one before it ended with."""

from __future__ import annotations

from pathlib import Path

from lf_wrap.recipe.schema import Evaluate, Recipe

FOLDER = "before"
MODEL = "model"  # what a run's export leaves


def phases(recipe: Recipe, run: Path) -> list[tuple[Recipe, Path]]:
    """Every training of `recipe` in order, as a recipe without others before it, and its run folder.

    The last is the recipe's own, in `run`; the others have folders below it. `model` is the same throughout: what the
    end is compared with, and whose tokenizer measures. Nothing is asked of the models in between.
    """
    begin = recipe.begin_from
    chain = []
    for number, (name, phase) in enumerate(recipe.before.items(), start=1):
        folder = run / FOLDER / f"{number}-{name}"
        changed = {
            "name": f"{recipe.name}-{name}",
            "template": phase.template or recipe.template,
            "data": recipe.data.model_copy(update={"train": phase.data.train, "general": phase.data.general}),
            "train": phase.train,
            "begin_from": begin,
            "before": {},
            "export": {},
            "evaluate": Evaluate.model_validate({}),
        }
        chain.append((recipe.model_copy(update=changed), folder))
        begin = str(folder / MODEL)
    return [*chain, (recipe.model_copy(update={"begin_from": begin, "before": {}}), run)]
