"""A recipe may stand on another: mappings are merged, all else is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import load_recipe

BASE = """
name: the-base
model: org/model
template: qwen
data: {train: [one, two]}
train:
  lora_rank: 8
  lora_target: [q_proj, v_proj]
  lr_scheduler_kwargs: {min_lr: 0.1, num_cycles: 2}
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    return tmp_path


def extending(folder: Path, content: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def test_what_is_not_said_is_the_bases(base: Path) -> None:
    loaded = load_recipe(extending(base, "extends: base.yaml\ntrain: {lora_rank: 16}"))
    assert (loaded.model, loaded.data.train, loaded.train["lora_rank"]) == ("org/model", ["one", "two"], 16)


def test_mappings_are_merged_at_every_depth_and_lists_replaced(base: Path) -> None:
    said = "extends: base.yaml\ntrain: {lora_target: [k_proj], lr_scheduler_kwargs: {num_cycles: 3}}"
    train = load_recipe(extending(base, said)).train
    assert train["lora_target"] == ["k_proj"]
    assert train["lr_scheduler_kwargs"] == {"min_lr": 0.1, "num_cycles": 3}


def test_a_null_takes_out_what_the_base_says(base: Path) -> None:
    assert "lora_rank" not in load_recipe(extending(base, "extends: base.yaml\ntrain: {lora_rank: null}")).train


def test_the_name_is_the_files_own(base: Path) -> None:
    assert load_recipe(extending(base, "extends: base.yaml")).name == "mine"


def test_overrides_come_last(base: Path) -> None:
    path = extending(base, "extends: base.yaml\ntrain: {lora_rank: 16}")
    assert load_recipe(path, ["train.lora_rank=32"]).train["lora_rank"] == 32


def test_a_base_may_have_a_base_and_paths_are_relative_to_each_file(base: Path) -> None:
    extending(base, "extends: ../base.yaml\ntemplate: llama3", "inner/middle.yaml")
    loaded = load_recipe(extending(base, "extends: inner/middle.yaml\nmodel: a/b"))
    assert (loaded.model, loaded.template, loaded.train["lora_rank"]) == ("a/b", "llama3", 8)


def test_a_llamafactory_yaml_can_be_the_base(base: Path) -> None:
    extending(base, "model_name_or_path: a/b\ndataset: one\ntemplate: qwen\nlora_rank: 4", "plain.yaml")
    loaded = load_recipe(extending(base, "extends: plain.yaml\ntrain: {lora_rank: 16}"))
    assert (loaded.model, loaded.data.train, loaded.train) == ("a/b", ["one"], {"lora_rank": 16})


def test_the_base_is_left_as_it_is(base: Path) -> None:
    load_recipe(extending(base, "extends: base.yaml\ntrain: {lora_rank: 16}"))
    assert (base / "base.yaml").read_text(encoding="utf-8") == BASE


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("extends: mine.yaml", "extends itself"),
        ("extends: other.yaml", "extends itself"),
        ("extends: nowhere.yaml", "does not exist"),
        ("extends: .", "is a folder"),
        ("extends: [base.yaml]", "is the path of a recipe"),
        ("extends: broken.yaml", "is not YAML"),
        ("extends: base.yaml\nmodle: x", "unknown key modle"),
    ],
)
def test_a_base_that_cannot_be_had_is_refused(base: Path, said: str, what: str) -> None:
    extending(base, "extends: mine.yaml", "other.yaml")
    extending(base, "model: [1", "broken.yaml")
    with pytest.raises(UserError, match=what) as error:
        load_recipe(extending(base, said))
    assert error.value.fix
