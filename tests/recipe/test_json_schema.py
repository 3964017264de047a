"""`lfw check --schema`: recipes validate against it, mistaken ones do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from lf_wrap.recipe.json_schema import recipe_schema
from tests.conftest import ROOT, Lfw


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = recipe_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_every_recipe_that_lfw_brings_along_validates(validator: Draft202012Validator, path: Path) -> None:
    assert list(validator.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))) == []


LEAST: dict[str, Any] = {"model": "a/b", "data": {"train": ["one"]}}


@pytest.mark.parametrize(
    "content",
    [
        LEAST,
        {"extends": "base.yaml"},
        {"extends": "base.yaml", "train": {"lora_rank": None}},
        {**LEAST, "train": {"lora_target": ["q_proj"], "learning_rate": 1, "save_strategy": "no"}},
        {**LEAST, "export": {"export_size": 2}},
    ],
    ids=str,
)
def test_a_sound_recipe_validates(validator: Draft202012Validator, content: dict[str, Any]) -> None:
    assert list(validator.iter_errors(content)) == []


@pytest.mark.parametrize(
    ("content", "at"),
    [
        ({**LEAST, "train": {"lora_rnk": 8}}, ["train"]),
        ({**LEAST, "train": {"lora_rank": "8"}}, ["train", "lora_rank"]),
        ({**LEAST, "train": {"stage": "sfd"}}, ["train", "stage"]),
        ({**LEAST, "export": {"learning_rate": 1}}, ["export"]),
        ({**LEAST, "modle": "x"}, []),
        ({"model": "a/b"}, []),
        ({"model": "a/b", "data": {"train": []}}, ["data", "train"]),
    ],
    ids=str,
)
def test_a_mistake_is_found_where_it_is(
    validator: Draft202012Validator, content: dict[str, Any], at: list[str]
) -> None:
    assert at in [list(error.absolute_path) for error in validator.iter_errors(content)]


def test_the_command_prints_it_and_an_argument_tells_its_help(lfw: Lfw) -> None:
    ran = lfw("check", "--schema")
    assert (ran.code, ran.err) == (0, "")
    assert yaml.safe_load(ran.out)["properties"]["train"]["properties"]["cutoff_len"]["description"]
