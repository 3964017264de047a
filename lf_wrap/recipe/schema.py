"""A recipe: which model is tuned on which datasets, how, and how it is judged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from lf_wrap.dataset.spec import bad_value, sound_name
from lf_wrap.errors import UserError
from lf_wrap.files import existing_file, shown

# YAML 1.1 reads 5e-5 as text, since it has no dot; everyone writes learning rates like that.
EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


class General(BaseModel):
    """General rows that are mixed into the domain's, so that the model does not forget what it knew."""

    model_config = ConfigDict(extra="forbid")
    datasets: list[str] = Field(min_length=1, description="registered dataset names")
    ratio: NonNegativeFloat = Field(default=1.0, description="general : domain")
    by: Literal["rows", "characters"] = "rows"
    weights: dict[str, PositiveFloat] = Field(
        default_factory=dict, description="of any dataset; 2 takes every row twice"
    )
    seed: int = 42


class Data(BaseModel):
    """The datasets that train."""

    model_config = ConfigDict(extra="forbid")
    build: str | None = Field(default=None, description="a dataset spec, built first when its datasets are stale")
    train: list[str] = Field(min_length=1, description="registered dataset names")
    general: General | None = None
    dataset_dir: str = Field(default="dataset_info", description="LLaMA-Factory's dataset_dir")


class Evaluate(BaseModel):
    """The questions that the base and the tuned model are both asked."""

    model_config = ConfigDict(extra="forbid")
    test: list[str] = Field(default_factory=list, description="datasets whose test rows are asked")
    limit: PositiveInt | None = Field(default=None, description="rows of each dataset; all when left out")
    max_new_tokens: PositiveInt | None = Field(
        None, description="half as long again as the longest reference when left out"
    )
    batch_size: PositiveInt | None = None


class Recipe(BaseModel):
    """The whole file, with overrides applied."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, AfterValidator(sound_name)] = Field(description="the folder of its runs; the file's own name")
    model: str = Field(description="a local folder, or a ModelScope or Hugging Face id")
    template: str | None = Field(
        default=None, description="LLaMA-Factory's name of the chat template; the tokenizer's own when left out"
    )
    data: Data
    train: dict[str, Any] = Field(default_factory=dict, description="LLaMA-Factory train arguments, verbatim")
    export: dict[str, Any] = Field(default_factory=dict, description="LLaMA-Factory export arguments, verbatim")
    evaluate: Evaluate = Field(default_factory=Evaluate)  # type: ignore[arg-type]

    @property
    def trained_on(self) -> list[str]:
        """The datasets that LLaMA-Factory is given: those of the recipe, or the one they are mixed into."""
        return [f"{self.name}_mix"] if self.data.general else self.data.train

    @property
    def finetuning_type(self) -> str:
        return str(self.train.get("finetuning_type", "lora"))


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe at `path`, with `key=value` overrides (dotted keys, YAML values). A LLaMA-Factory YAML is one too.

    A train argument that is null counts as not said: so an override can take one out of the recipe.

    Raises:
        UserError: the file or an override is malformed, or a key is unknown.
    """
    existing_file(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{shown(path)} is not YAML: {error}", fix="mend the line it names") from None
    if not isinstance(content, dict):
        raise UserError(f"{shown(path)} is not a recipe: it holds no keys", fix="see recipes/ for examples")
    if "model_name_or_path" in content:
        content = _from_llamafactory(content)
    for override in overrides:
        _set(content, override)
    try:
        recipe = Recipe.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        known = {**Recipe.model_fields, **Data.model_fields, **General.model_fields, **Evaluate.model_fields}
        raise bad_value(error, path, known) from None
    recipe.train = {key: _number(value) for key, value in recipe.train.items() if value is not None}
    return recipe


def _from_llamafactory(content: dict[str, Any]) -> dict[str, Any]:
    """A plain LLaMA-Factory train YAML as a recipe. Where it writes its weights is the run folder's business."""
    train = dict(content)
    names = train.pop("dataset", "")
    datasets = names if isinstance(names, list) else [name.strip() for name in str(names).split(",") if name.strip()]
    data = {"train": datasets, "dataset_dir": train.pop("dataset_dir", "data")}
    train.pop("output_dir", None)
    return {
        "model": train.pop("model_name_or_path"),
        "template": train.pop("template", None),
        "data": data,
        "train": train,
    }


def _set(content: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {override!r} is not key=value", fix="for example --set train.learning_rate=5e-5")
    *outer, last = key.strip().split(".")
    place: Any = content
    for part in outer:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise UserError(f"--set {override!r}: {part} is not a section of the recipe", fix="check the dotted key")
    try:
        place[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UserError(f"--set {override!r}: the value is not YAML: {error}", fix="quote it") from None


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and EXPONENT.fullmatch(value) else value
