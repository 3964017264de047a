"""A recipe with a training before its own: two runs in one, the second on the weights that the first left."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.conftest import Lfw
from tests.recipe.test_ways import text_dataset

RECIPE = """
model: {model}
template: qwen
data: {{build: dataset_info/demo.yaml, train: [demo_norm]}}
before:
  pretrain:
    data: {{train: [demo_text], general: {{datasets: [demo_dialogue], ratio: 0.5}}}}
    train: {{stage: pt, finetuning_type: full, cutoff_len: 64, max_steps: 2, learning_rate: 1e-3}}
train: {{finetuning_type: lora, max_steps: 2}}
"""


@pytest.fixture
def recipe(workspace: Path, lfw: Lfw, tiny_model: Path) -> Path:
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    text_dataset(workspace / "dataset_info")
    (workspace / "chain.yaml").write_text(RECIPE.format(model=tiny_model), encoding="utf-8")
    return workspace / "chain.yaml"


@pytest.mark.trains
def test_the_second_training_begins_where_the_first_ended(lfw: Lfw, recipe: Path, tiny_model: Path) -> None:
    ran = lfw("run", recipe, "--to=export", "--json", cwd=recipe.parent)
    assert ran.code == 0, ran.err
    assert ran.json["stages"]["before.pretrain"] == "done"
    assert ran.json["stages"]["export"] == "done"
    assert "chain-pretrain_mix: 200 demo_text + 100 demo_dialogue" in ran.err
    folder = recipe.parent / ran.json["run_dir"]
    rendered = yaml.safe_load((folder / "train.yaml").read_text(encoding="utf-8"))
    assert rendered["model_name_or_path"] == f"{ran.json['run_dir']}/before/1-pretrain/model"
    from safetensors.torch import load_file

    norms = [
        load_file(where / "model.safetensors")["model.norm.weight"].float()
        for where in (tiny_model, folder / "before/1-pretrain/model", folder / "model")
    ]
    assert not norms[1].equal(norms[0])  # full training moved it
    assert norms[2].equal(norms[1])  # the adapter has no part in it, so the merge has the first training's

    again = lfw("run", recipe, "--to=export", "--json", cwd=recipe.parent)
    assert again.json["stages"]["before.pretrain"] == "skipped"
    assert again.json["stages"]["train"] == "skipped"


def test_the_script_runs_the_phases_own_scripts_first(lfw: Lfw, recipe: Path) -> None:
    rendered = lfw("render", recipe, "--json", cwd=recipe.parent)
    assert rendered.code == 0, rendered.err
    lines = (recipe.parent / rendered.json["script"]).read_text(encoding="utf-8").splitlines()
    ran = [line for line in lines if not line.startswith(("#", "set", "cd"))]
    assert ran == [
        'sh "$(dirname "$0")"/before/1-pretrain/run.sh',
        "llamafactory-cli train rendered/chain/train.yaml",
        "llamafactory-cli export rendered/chain/export.yaml",
    ]
    assert (recipe.parent / "rendered/chain/before/1-pretrain/run.sh").is_file()


def test_a_dry_run_shows_every_training_and_makes_no_run(lfw: Lfw, recipe: Path) -> None:
    ran = lfw("run", recipe, "--dry-run", "--json", cwd=recipe.parent)
    assert ran.code == 0, ran.err
    assert [command[1] for command in ran.json["commands"]] == ["train", "export"] * 2
    assert "before: pretrain" in ran.err
    assert not (recipe.parent / "runs").exists()


def test_conversations_alone_are_no_text_to_pretrain_on(lfw: Lfw, recipe: Path) -> None:
    wrong = ("--set=before.pretrain.data.train=[demo_dialogue]", "--set=before.pretrain.data.general=null")
    ran = lfw("run", recipe, *wrong, cwd=recipe.parent)
    assert ran.code == 1
    assert "only their questions would be learned" in ran.err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--to=pretran",), "did you mean 'pretrain'?"),
        (("--nnodes=2", "--master=10.0.0.1", "--run-dir=runs/x"), "cannot run on several nodes"),
        (("--set=before={train: {data: {train: [demo_norm]}}}",), "a phase has the name of a stage"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_written(
    lfw: Lfw, recipe: Path, more: tuple[str, ...], says: str
) -> None:
    ran = lfw("run", recipe, *more, cwd=recipe.parent)
    assert ran.code == 1
    assert says in ran.err
    assert not (recipe.parent / "runs").exists()
