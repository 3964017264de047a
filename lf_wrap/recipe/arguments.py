"""The arguments that the installed LLaMA-Factory takes: their names, types, choices and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lf_wrap.errors import did_you_mean
from lf_wrap.recipe.inside_llamafactory import ask

# The Python types that hold a JSON Schema type. An integer counts as a number; 0 and 1 count as booleans, which
# Python takes them for.
HELD_BY: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
IN_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "null": "null",
}
AT_LEAST_ONE = {
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "cutoff_len",
    "lora_rank",
    "max_samples",
    "preprocessing_batch_size",
    "preprocessing_num_workers",
}
"""Counts of something: torch's DataLoader, PEFT and datasets refuse less than one, deep into the run."""


@dataclass(frozen=True)
class Argument:
    """One argument, as LLaMA-Factory's dataclass `group` declares it. No `kinds` means that any value may do."""

    name: str
    group: str
    exported: bool
    """Whether `llamafactory-cli export` takes it too."""
    kinds: tuple[str, ...]
    choices: tuple[Any, ...]
    default: Any
    help: str

    def complaint(self, value: Any) -> tuple[str, str] | None:
        """What is wrong with `value` and how to mend it; None when nothing is."""
        if self.kinds and not any(_is(value, kind) for kind in self.kinds):
            return f"{self.name} is {self._wanted()}, not {value!r}", self._fix(value)
        if self.choices and isinstance(value, str) and value not in self.choices:
            return f"{self.name} cannot be {value!r}", did_you_mean(value, map(str, self.choices))
        if self.name in AT_LEAST_ONE and isinstance(value, int) and value < 1:
            return f"{self.name} is at least 1, not {value}", f"LLaMA-Factory's own value is {self.default}"
        return None

    def _wanted(self) -> str:
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        return " or ".join(IN_WORDS[kind] for kind in self.kinds if kind != "null")

    def _fix(self, value: Any) -> str:
        if isinstance(value, bool) and "no" in self.choices:
            return f'YAML reads a bare no as false: write "{"no" if not value else "steps"}" with its quotes'
        if isinstance(value, int | float) and "string" in self.kinds:
            return f'write it with quotes: "{value}"'
        if isinstance(value, float) and value.is_integer() and "integer" in self.kinds:
            return f"write {int(value)}"
        return f"one of: {', '.join(map(str, self.choices))}" if self.choices else self.help or "see LLaMA-Factory"


@dataclass(frozen=True)
class Arguments:
    """All arguments of `llamafactory-cli train` by name."""

    train: Mapping[str, Argument]

    @property
    def export(self) -> dict[str, Argument]:
        """Those that `llamafactory-cli export` takes."""
        return {name: argument for name, argument in self.train.items() if argument.exported}

    def defaults(self) -> dict[str, Any]:
        """What LLaMA-Factory takes where nothing is said."""
        return {name: argument.default for name, argument in self.train.items()}


def installed_arguments(before: Callable[[], None] = lambda: None) -> Arguments:
    """The arguments of the installed LLaMA-Factory: read once a version in a child process, then from a file.

    Raises:
        UserError: LLaMA-Factory is not installed.
        ChildFailed: it is broken.
    """
    told = ask("arguments", None, before)
    lists = ("kinds", "choices")
    made = [Argument(**{**one, **{key: tuple(one[key]) for key in lists}}) for one in told]
    return Arguments({argument.name: argument for argument in made})


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, HELD_BY[kind]) or (kind == "boolean" and value in (0, 1) and isinstance(value, int))
