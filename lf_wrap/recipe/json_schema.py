"""A JSON Schema of recipes, for editors: the recipe's own keys, and every argument of the installed LLaMA-Factory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lf_wrap.recipe.arguments import Argument, installed_arguments
from lf_wrap.recipe.inside_llamafactory import versions
from lf_wrap.recipe.schema import Recipe


def recipe_schema(before: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """A schema (draft 2020-12) that every sound recipe file validates against.

    Raises:
        UserError: LLaMA-Factory is not installed.
        ChildFailed: it is broken.
    """
    arguments = installed_arguments(before)
    schema = Recipe.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"A recipe of lfw, for LLaMA-Factory {versions()['llamafactory']}"
    properties = schema["properties"]
    properties["extends"] = {"type": "string", "description": "a recipe that this one changes, relative to its folder"}
    for section, known in (("train", arguments.train), ("export", arguments.export)):
        properties[section] |= {"properties": _properties(known.values()), "additionalProperties": False}
    # The name is the file's where it is not said, and a base recipe may say the rest.
    schema["required"] = []
    schema["anyOf"] = [{"required": ["model", "data"]}, {"required": ["extends"]}]
    return schema


def _properties(arguments: Iterable[Argument]) -> dict[str, Any]:
    return {argument.name: _property(argument) for argument in arguments}


def _property(argument: Argument) -> dict[str, Any]:
    told: dict[str, Any] = {"description": argument.help} if argument.help else {}
    if argument.default is not None:
        told["default"] = argument.default
    if argument.choices:
        return told | {"enum": [*argument.choices, None]}
    if argument.kinds:
        told["type"] = sorted({*argument.kinds, "null"})  # null takes an argument out of a base recipe
    return told
