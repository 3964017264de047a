"""Every argument of `llamafactory-cli train` and `export`, read from the dataclasses that parse them."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any

KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
KINDS |= {type(None): "null", Path: "string"}
MAKING = {
    "ModelArguments": {"model_name_or_path": "model"},
    "DataArguments": {"mix_strategy": "interleave_under"},  # without it, interleave_probs is refused
}
"""What an instance of a class needs besides the argument that is tried."""


def answer(question: None) -> list[dict[str, Any]]:
    """One object an argument: name, the class it belongs to, whether `export` takes it, kinds, choices, default, help.

    `kinds` are JSON Schema's type names; none where the class asks for a Python object. An argument that is declared
    as text but split at commas is an `array` too.
    """
    from llamafactory.hparams import parser

    return [
        _described(group, field, hint, exported=group in parser._INFER_ARGS)
        for group in parser._TRAIN_ARGS
        for hints in [typing.get_type_hints(group)]
        for field in dataclasses.fields(group)
        if field.init
        for hint in [hints[field.name]]
    ]


def _described(group: type, field: dataclasses.Field[Any], hint: Any, *, exported: bool) -> dict[str, Any]:
    members = _members(hint)
    kinds = {KINDS.get(typing.get_origin(member) or member, "") for member in members} | _kinds_of_choices(members)
    if group.__name__ in {*MAKING, "FinetuningArguments"} and kinds <= {"string", "null"} and _is_split(group, field):
        kinds.add("array")
    return {
        "name": field.name,
        "group": group.__name__,
        "exported": exported,
        "kinds": [] if "?" in kinds else sorted(kinds - {"", "?"}),
        "choices": _choices(field, members),
        "default": _default(field),
        "help": " ".join(str(field.metadata.get("help") or "").split()),
    }


def _members(hint: Any) -> list[Any]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return [member for part in typing.get_args(hint) for member in _members(part)]
    return [hint]


def _kinds_of_choices(members: list[Any]) -> set[str]:
    kinds = set()
    for member in members:
        if typing.get_origin(member) is typing.Literal:
            kinds |= {KINDS[type(value)] for value in typing.get_args(member)}
        elif isinstance(member, type) and issubclass(member, Enum):
            kinds |= {KINDS[type(value.value)] for value in member}
        elif (typing.get_origin(member) or member) not in KINDS:
            kinds.add("?" if len(members) == 1 else "object")
    return kinds


def _choices(field: dataclasses.Field[Any], members: list[Any]) -> list[Any]:
    if "choices" in field.metadata:
        return list(field.metadata["choices"])
    enums = [member for member in members if isinstance(member, type) and issubclass(member, Enum)]
    if enums:  # also of `SchedulerType | str`: the text becomes one of the enum
        return [value.value for value in enums[0]]
    literals = [member for member in members if typing.get_origin(member) is typing.Literal]
    return list(typing.get_args(literals[0])) if literals and str not in members else []


def _default(field: dataclasses.Field[Any]) -> Any:
    value = field.default_factory() if callable(field.default_factory) else field.default
    value = value.value if isinstance(value, Enum) else value
    try:
        json.dumps(value)
    except TypeError:
        return None
    return value


def _is_split(group: type, field: dataclasses.Field[Any]) -> bool:
    """Whether the class takes its text apart at commas, and a list as it is: told by making an instance."""
    made = {key: value for key, value in MAKING.get(group.__name__, {}).items() if key != field.name}
    try:
        from_text = getattr(group(**made, **{field.name: "1,2"}), field.name)
        from_list = getattr(group(**made, **{field.name: ["1", "2"]}), field.name)
    except (ValueError, AssertionError, AttributeError, TypeError, OSError):
        return False
    return isinstance(from_text, list) and isinstance(from_list, list)
