"""A recipe from its file: on top of the one it extends, overrides applied, a plain LLaMA-Factory YAML understood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import existing_file, shown
from lf_wrap.recipe.schema import Data, Evaluate, General, Guard, Judge, Phase, PhaseData, Price, Recipe

# YAML 1.1 reads 5e-5 as text, since it has no dot; everyone writes learning rates like that.
EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe at `path`, with `key=value` overrides (dotted keys, YAML values). A LLaMA-Factory YAML is one too.

    `extends: base.yaml` names another recipe, relative to the folder of this one, that it changes.

    A train argument that is null counts as not said: so an override can take one out of the recipe.

    Raises:
        UserError: the file, one it extends or an override is malformed, or a key is unknown.
    """
    content = _content(path, ())
    for override in overrides:
        _set(content, override)
    try:
        recipe = Recipe.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        sections = (Recipe, Data, General, Phase, PhaseData, Guard, Evaluate, Judge, Price)
        known = {name: field for section in sections for name, field in section.model_fields.items()}
        raise _bad_value(error, path, known) from None
    recipe.train = _arguments(recipe.train)
    for phase in recipe.before.values():
        phase.train = _arguments(phase.train)
    return recipe


def _bad_value(error: ValidationError, path: Path, known: Mapping[str, Any]) -> UserError:
    """The most telling of pydantic's complaints about the YAML at `path`, as an error for a person."""
    first = min(error.errors(), key=lambda complaint: complaint["type"] != "extra_forbidden")
    key = ".".join(
        str(part) for part in first["loc"] if str(part) not in {"function-after[sound_name(), str]", "[key]"}
    )
    if first["type"] == "extra_forbidden":
        fix = did_you_mean(str(first["loc"][-1]), known)
        return UserError(f"{shown(path)}: unknown key {key}", where=key, fix=fix)
    message = first["msg"].removeprefix("Value error, ")
    return UserError(f"{shown(path)}: {message}", where=key or "the whole file", fix="mend that key (see the README)")


def _content(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    """What the file at `path` says, on top of what the recipe it `extends` says.

    Mappings are merged key by key, all else is replaced, lists too; a null takes out what the base said. The name is
    not handed down: it stands for the file.
    """
    existing_file(path)
    if path.resolve() in extended_by:
        chain = " → ".join(shown(one) for one in (*extended_by, path.resolve()))
        raise UserError(f"{shown(path)} extends itself", where=chain, fix="take one `extends` out of the circle")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{shown(path)} is not YAML: {error}", fix="mend the line it names") from None
    if not isinstance(content, dict):
        raise UserError(f"{shown(path)} is not a recipe: it holds no keys", fix="see recipes/ for examples")
    base = content.pop("extends", None)
    if "model_name_or_path" in content:
        content = _from_llamafactory(content)
    if base is None:
        return dict(content)
    if not isinstance(base, str):
        fix = "give one path, relative to the recipe's folder"
        raise UserError(f"{shown(path)}: extends is the path of a recipe", where="extends", fix=fix)
    below: dict[str, Any] = _content(path.parent / Path(base).expanduser(), (*extended_by, path.resolve()))
    below.pop("name", None)
    return _merged(below, content)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }
    return {**below, **both}


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


def _arguments(train: dict[str, Any]) -> dict[str, Any]:
    return {key: _number(value) for key, value in train.items() if value is not None}


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and EXPONENT.fullmatch(value) else value
