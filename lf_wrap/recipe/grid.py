"""A grid of recipe values: `train.learning_rate=1e-4,5e-5` with `train.lora_rank=8,16` makes four recipes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product
from typing import Any

import yaml

from lf_wrap.errors import UserError

Point = dict[str, Any]


def grid(wishes: Iterable[str]) -> list[Point]:
    """Every combination of the values wished, as {dotted key: value}; the last key varies fastest.

    A wish is `key=value,value`: YAML values, so that a list stands in brackets (`data.train=[a],[a,b]`).

    Raises:
        UserError: a wish is no such thing, or wishes for a key twice.
    """
    axes: dict[str, list[Any]] = {}
    for wish in wishes:
        key, _, written = wish.partition("=")
        try:
            values = yaml.safe_load(f"[{written}]")
        except yaml.YAMLError:
            values = []
        if not key.strip() or not values:
            raise UserError(f"--sweep {wish!r} is not key=value,value", fix="as in train.learning_rate=1e-4,5e-5")
        if key.strip() in axes:
            raise UserError(f"--sweep names {key.strip()} twice", fix="put all its values into one: key=value,value")
        axes[key.strip()] = values
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def overrides(point: Point) -> list[str]:
    """The point as the `--set` overrides that make its recipe."""
    return [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in point.items()]
