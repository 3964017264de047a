"""Trainings before the recipe's own are checked like it, and their problems say whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.recipe import load_recipe
from lf_wrap.recipe.checks import check
from tests.recipe.checks.conftest import CPU, Checked

PRETRAIN = "before.pretrain={data: {train: [demo_norm]}, train: {cutoff_len: 128, %s}}"


@pytest.mark.parametrize(
    ("said", "what", "key"),
    [
        ("lora_rnk: 8", "no train argument 'lora_rnk'", "before.pretrain.train.lora_rnk"),
        ("pure_bf16: true", "pure_bf16 needs a GPU", "before.pretrain.train.pure_bf16"),
    ],
)
def test_a_problem_names_the_training_before(checked: Checked, said: str, what: str, key: str) -> None:
    (problem,) = [one for one in checked(PRETRAIN % said) if what in one.what]
    assert (problem.level, problem.where) == ("error", f"recipes/demo.yaml: {key}")


def test_its_dataset_must_be_there(checked: Checked) -> None:
    (problem,) = [one for one in checked("before.books={data: {train: [bookz]}}") if "bookz" in one.what]
    assert problem.where.endswith("before.books.data.train")


def test_a_template_that_is_not_its_own_is_the_recipes(checked: Checked) -> None:
    template = [one for one in checked("template=qwne", PRETRAIN % "logging_steps: 1") if "qwne" in one.what]
    assert [one.where for one in template] == ["recipes/demo.yaml, line 3: template"]


def test_each_training_tells_its_size(built: Path, tiny_model: Path) -> None:
    path = Path("recipes/demo.yaml")
    more = [f"model={tiny_model}", "template=qwen", "train={}", PRETRAIN % "num_train_epochs: 1"]
    told = check(load_recipe(path, more), path, CPU, quick=True).result()
    assert told["ok"], told["problems"]
    assert told["steps"] > 0
    assert told["before"]["pretrain"]["steps"] > 0
    assert told["before"]["pretrain"]["ok"]
