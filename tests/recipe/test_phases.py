"""A recipe's trainings in order: what each begins from, what it may say, what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import Hardware, export_settings, load_recipe, phases, train_settings

CPU = Hardware((), cores=2)
CHAIN = """
model: org/base
template: qwen
data: {train: [cases], dataset_dir: data}
before:
  pretrain:
    data: {train: [books]}
    train: {stage: pt, finetuning_type: full, learning_rate: 2e-5, lora_rank: null}
  general:
    template: llama3
    data: {train: [chats]}
    train: {finetuning_type: lora, lora_rank: 4}
train: {finetuning_type: lora}
"""


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of three trainings in the working directory, whose datasets are registered."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    for name in ("cases", "books", "chats"):
        Path(f"data/{name}.jsonl").write_text('{"instruction": "a", "output": "b"}\n')
    entries = ", ".join(f'"{name}": {{"file_name": "{name}.jsonl"}}' for name in ("cases", "books", "chats"))
    Path("data/dataset_info.json").write_text(f"{{{entries}}}")
    Path("chain.yaml").write_text(CHAIN)
    return Path("chain.yaml")


def test_each_training_begins_with_what_the_one_before_it_exported(chain: Path) -> None:
    told = []
    for recipe, folder in phases(load_recipe(chain), Path("run")):
        train, export = train_settings(recipe, CPU, folder), export_settings(recipe, folder)
        told.append([train["model_name_or_path"].value, train["output_dir"].value, export["export_dir"].value])
    assert told == [
        ["org/base", "run/before/1-pretrain/weights", "run/before/1-pretrain/model"],
        ["run/before/1-pretrain/model", "run/before/2-general/adapter", "run/before/2-general/model"],
        ["run/before/2-general/model", "run/adapter", "run/model"],
    ]


def test_an_adapter_is_merged_into_the_weights_it_was_trained_on(chain: Path) -> None:
    *_, (own, folder) = phases(load_recipe(chain), Path("run"))
    assert export_settings(own, folder)["model_name_or_path"].value == "run/before/2-general/model"


def test_arguments_are_a_phases_own_and_the_template_is_the_recipes_unless_it_says_so(chain: Path) -> None:
    (pretrain, _), (general, _), (own, _) = phases(load_recipe(chain), Path("run"))
    assert pretrain.train == {"stage": "pt", "finetuning_type": "full", "learning_rate": 2e-5}
    assert [one.template for one in (pretrain, general, own)] == ["qwen", "llama3", "qwen"]
    assert [one.model for one in (pretrain, general, own)] == ["org/base"] * 3


def test_without_phases_there_is_the_recipe_alone(chain: Path) -> None:
    recipe = load_recipe(chain, ["before=null"])
    assert phases(recipe, Path("run")) == [(recipe, Path("run"))]
    assert list(load_recipe(chain, ["before.pretrain=null"]).before) == ["general"]


def test_a_first_training_may_begin_from_an_earlier_runs_weights(chain: Path) -> None:
    (first, _), *_ = phases(load_recipe(chain, ["begin_from=runs/x/model"]), Path("run"))
    assert first.begin_from == "runs/x/model"


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("before.general.trian={}", "unknown key before.general.trian"),
        ("before.general.data.build=x.yaml", "unknown key before.general.data.build"),
        ("before.general.train.hub_token=abc", "hub_token looks like a secret"),
        ("before={../up: {data: {train: [a]}}}", "no sound name"),
    ],
)
def test_what_a_phase_cannot_say_is_refused(chain: Path, override: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        load_recipe(chain, [override])
