"""A recipe file and its overrides become a `Recipe`, or an error that says what to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import load_recipe
from tests.conftest import ROOT

RECIPE = """
model: org/model
template: qwen
data:
  train: [one, two]
"""
LLAMAFACTORY = """
model_name_or_path: org/model
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
dataset: identity, alpaca_en_demo
template: llama3
cutoff_len: 2048
output_dir: saves/llama3-8b/lora/sft
learning_rate: 1e-4
bf16: true
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_every_recipe_that_lfw_brings_along_loads(path: Path) -> None:
    loaded = load_recipe(path)
    assert loaded.name == path.stem
    assert set(loaded.evaluate.test) <= set(loaded.data.train)


def test_a_short_recipe_is_named_after_its_file_and_tunes_an_adapter(recipe: Path) -> None:
    loaded = load_recipe(recipe)
    assert (loaded.name, loaded.finetuning_type, loaded.data.dataset_dir) == ("mine", "lora", "dataset_info")
    assert (loaded.train, loaded.export, loaded.evaluate.test) == ({}, {}, [])


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("train.learning_rate=5e-5", 5e-5),
        ("train.learning_rate=1.5E5", 1.5e5),
        ("train.learning_rate=-1e+2", -100.0),
        ("train.learning_rate=5.0e-5", 5e-5),
        ("train.num_train_epochs=3", 3),
        ("train.plot_loss=false", False),
        ("train.save_strategy='no'", "no"),
        ("train.lora_target=[q_proj, v_proj]", ["q_proj", "v_proj"]),
        ("train.default_system=你好：世界", "你好：世界"),
        ("train.default_system=a=b", "a=b"),
        ("train.run_name=v1e5", "v1e5"),
    ],
)
def test_an_override_has_the_type_that_yaml_gives_it(recipe: Path, override: str, value: object) -> None:
    (found,) = load_recipe(recipe, [override]).train.values()
    assert found == value
    assert type(found) is type(value)


def test_overrides_reach_every_depth_and_the_last_one_wins(recipe: Path) -> None:
    loaded = load_recipe(recipe, ["model=a/b", "data.train=[three]", "evaluate.limit=5", "evaluate.limit=7"])
    assert (loaded.model, loaded.data.train, loaded.evaluate.limit) == ("a/b", ["three"], 7)


def test_a_null_takes_an_argument_out(recipe: Path) -> None:
    recipe.write_text(RECIPE + "train: {cutoff_len: 2048, resume_from_checkpoint: null}", encoding="utf-8")
    assert load_recipe(recipe).train == {"cutoff_len": 2048}
    assert load_recipe(recipe, ["train.cutoff_len=null"]).train == {}


def test_a_learning_rate_without_a_dot_in_the_file_is_a_number(recipe: Path) -> None:
    recipe.write_text(RECIPE + "train:\n  learning_rate: 5e-5\n", encoding="utf-8")
    assert load_recipe(recipe).train == {"learning_rate": 5e-5}


def test_a_plain_llamafactory_yaml_is_a_recipe(recipe: Path) -> None:
    recipe.write_text(LLAMAFACTORY, encoding="utf-8")
    loaded = load_recipe(recipe, ["train.lora_rank=16"])
    assert (loaded.model, loaded.template) == ("org/model", "llama3")
    assert (loaded.data.train, loaded.data.dataset_dir) == (["identity", "alpaca_en_demo"], "data")
    said = {"stage": "sft", "do_train": True, "finetuning_type": "lora", "lora_rank": 16, "cutoff_len": 2048}
    assert loaded.train == said | {"learning_rate": 1e-4, "bf16": True}


@pytest.mark.parametrize(
    ("addition", "key", "meant"),
    [
        ("modle: x", "modle", "model"),
        ("evaluate: {tests: [one]}", "evaluate.tests", "test"),
        ("evaluate: {max_new_token: 5}", "evaluate.max_new_token", "max_new_tokens"),
    ],
)
def test_an_unknown_key_is_named_with_the_one_that_was_meant(recipe: Path, addition: str, key: str, meant: str) -> None:
    recipe.write_text(RECIPE + addition, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load_recipe(recipe)
    assert (error.value.where, error.value.fix) == (key, f"did you mean {meant!r}?")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("model: [1", "is not YAML"),
        ("model: a: b", "line 1"),
        (b"model: \xff\xfe", "is not YAML"),
        ("- a\n- b", "holds no keys"),
        ("just words", "holds no keys"),
        ("# nothing", "holds no keys"),
        ("", "is empty"),
        ("template: qwen\ndata: {train: [a]}", "where: model"),
        ("model: m\ntemplate: qwen", "where: data"),
        ("model: m\ntemplate: qwen\ndata: {train: []}", "where: data.train"),
        ("model: m\ntemplate: qwen\ndata: {train: a}", "where: data.train"),
        ("model: m\ntemplate: qwen\ndata: {train: [a]}\nevaluate: {limit: 0}", "where: evaluate.limit"),
        ("model_name_or_path: m\ntemplate: qwen", "where: data.train"),
    ],
)
def test_a_broken_recipe_says_what_is_wrong(recipe: Path, content: str | bytes, said: str) -> None:
    recipe.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as error:
        load_recipe(recipe)
    assert said in str(error.value)
    assert error.value.fix


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.learning_rate", "not key=value"),
        ("=5", "not key=value"),
        ("model.size=5", "model is not a section"),
        ("data.train.first=5", "train is not a section"),
        ("train.lora_target=[q_proj", "is not YAML"),
        ("learning_rate=5e-5", "unknown key learning_rate"),
        ("data.train=5", "data.train"),
    ],
)
def test_a_mistaken_override_is_refused(recipe: Path, override: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        load_recipe(recipe, [override])
    assert error.value.fix


def test_a_missing_recipe_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_recipe(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("name", ["../../elsewhere", "/tmp", "a/b", "two words", ".hidden", "''"])
def test_a_name_is_sound_as_a_folders(recipe: Path, name: str) -> None:
    with pytest.raises(UserError, match="name"):
        load_recipe(recipe, [f"name={name}"])


def test_without_a_template_the_tokenizers_own_is_left_to_llamafactory(recipe: Path) -> None:
    recipe.write_text(LLAMAFACTORY.replace("template: llama3\n", ""), encoding="utf-8")
    assert load_recipe(recipe).template is None
