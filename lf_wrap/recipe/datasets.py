"""The registered datasets a recipe names."""

from __future__ import annotations

from pathlib import Path

from lf_wrap.dataset import DatasetSpec, Mix, load_spec, registered, registered_file
from lf_wrap.dataset.layout import DEFAULT_COLUMNS
from lf_wrap.errors import UserError
from lf_wrap.files import existing_file
from lf_wrap.recipe.schema import Recipe


def build_spec(recipe: Recipe) -> dict[str, DatasetSpec]:
    """The datasets of the spec that the recipe has built first; none when it names none.

    Raises:
        UserError: the spec is not there, or not sound.
    """
    if recipe.data.build is None:
        return {}
    fix = "run from the workspace that `lfw init` laid out, or correct data.build"
    return load_spec(existing_file(Path(recipe.data.build), fix))


def require_datasets(recipe: Recipe) -> None:
    """Refuses a recipe that names a dataset which is not registered.

    Raises:
        UserError: naming the dataset and the nearest that is.
    """
    folder = Path(recipe.data.dataset_dir)
    general = recipe.data.general.datasets if recipe.data.general else []
    for name in (*recipe.data.train, *general):
        registered_file(folder, name)
    for name in recipe.data.train if recipe.pretrains and not general else []:
        if "response" in (columns := registered(folder)[name].get("columns", DEFAULT_COLUMNS)) or "messages" in columns:
            raise UserError(
                f"dataset {name!r} holds conversations: with `stage: pt` only their questions would be learned",
                where="data.train",
                fix="name it in data.general of a phase whose data.train is text: it is then made into text itself",
            )
    for name in recipe.evaluate.test:
        if test_name(recipe, name) not in registered(folder):
            raise UserError(
                f"evaluate.test: dataset {name!r} has no test rows", fix="give it some: `test: 100` in its spec"
            )


def test_name(recipe: Recipe, name: str) -> str:
    """The registered name of the test rows of dataset `name`: `<name>_test` where lfw built it, else `name`."""
    return f"{name}_test" if f"{name}_test" in registered(Path(recipe.data.dataset_dir)) else name


def mix_of(recipe: Recipe) -> Mix | None:
    """How the recipe's domain and general rows are mixed; None where it has no general ones."""
    general = recipe.data.general
    if general is None:
        return None
    told = general.model_dump(exclude={"datasets"})
    return Mix(domain=recipe.data.train, general=general.datasets, **told, as_text=recipe.pretrains)
