"""A run's folder: the same recipe finds it again, and its ledger tells what is done and still holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from lf_wrap.pipeline import RunFolder, run_folder
from lf_wrap.pipeline.run_folder import start
from lf_wrap.recipe import Recipe, load_recipe
from tests.conftest import ROOT

INPUTS = {"demo": "1234"}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A folder in which the export stage ended well."""
    made = RunFolder(tmp_path / "run")
    made.model.mkdir(parents=True)
    (made.model / "model.safetensors").write_text("weights")
    made.record("export", "start", inputs=INPUTS)
    made.record("export", "end", exit=0, inputs=INPUTS, outputs=made.hashes([made.model]))
    return made


def recipe(*overrides: str) -> Recipe:
    return load_recipe(ROOT / "recipes/demo.yaml", overrides)


def earlier(runs: Path, time: str, *overrides: str) -> Path:
    """The folder that a run of the demo recipe made at that time."""
    name = run_folder(recipe(*overrides), runs, fresh=True).path.name
    path = runs / "demo" / f"{time}-{name.rpartition('-')[2]}"
    path.mkdir(parents=True)
    return path


def test_a_new_recipe_gets_a_new_folder_under_its_name(tmp_path: Path) -> None:
    path = run_folder(recipe(), tmp_path, fresh=False).path
    assert path.parent == tmp_path / "demo"
    assert not path.exists()


def test_the_same_recipe_finds_its_newest_folder_again(tmp_path: Path) -> None:
    earlier(tmp_path, "20250101-000000")
    newest = earlier(tmp_path, "20250102-000000")
    assert run_folder(recipe(), tmp_path, fresh=False).path == newest


def test_a_value_that_is_the_default_makes_no_other_recipe(tmp_path: Path) -> None:
    made = earlier(tmp_path, "20250101-000000")
    assert run_folder(recipe("data.dataset_dir=dataset_info"), tmp_path, fresh=False).path == made


@pytest.mark.parametrize("override", ["train.seed=7", "model=org/other", "evaluate.limit=5", "export.export_size=1"])
def test_another_recipe_does_not_find_it(tmp_path: Path, override: str) -> None:
    made = earlier(tmp_path, "20250101-000000")
    assert run_folder(recipe(override), tmp_path, fresh=False).path != made


def test_a_fresh_run_makes_a_new_folder(tmp_path: Path) -> None:
    made = earlier(tmp_path, "20250101-000000")
    assert run_folder(recipe(), tmp_path, fresh=True).path != made


def test_fresh_runs_within_a_second_get_folders_of_their_own(tmp_path: Path) -> None:
    made = set()
    for _ in range(5):
        path = run_folder(recipe(), tmp_path, fresh=True).path
        path.mkdir(parents=True, exist_ok=True)
        made.add(path)
    assert len(made) == 5
    assert run_folder(recipe(), tmp_path, fresh=False).path == path == max(made)


def test_the_folder_holds_the_recipe_with_its_overrides(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    start(folder, recipe("train.learning_rate=5e-5", "name=mine"))
    stored = yaml.safe_load((tmp_path / "recipe.yaml").read_text(encoding="utf-8"))
    assert (stored["name"], stored["train"]["learning_rate"]) == ("mine", 5e-5)
    assert load_recipe(tmp_path / "recipe.yaml") == recipe("train.learning_rate=5e-5", "name=mine")


def test_what_is_recorded_is_read_back_in_order(folder: RunFolder) -> None:
    folder.record("报告", "start", note="值\n\u2028\x85")
    assert [(event["stage"], event["event"]) for event in folder.events()] == [
        ("export", "start"),
        ("export", "end"),
        ("报告", "start"),
    ]
    assert folder.events()[-1]["note"] == "值\n\u2028\x85"


def test_a_new_folder_has_no_events(tmp_path: Path) -> None:
    assert RunFolder(tmp_path / "nowhere").events() == []
    assert RunFolder(tmp_path / "nowhere").finished("train") is None


def test_a_stage_with_the_same_inputs_and_untouched_outputs_is_still_done(folder: RunFolder) -> None:
    assert folder.still_done("export", INPUTS, [folder.model])


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder.model / "model.safetensors").write_text("other weights"),
        lambda folder: (folder.model / "model.safetensors").unlink(),
        lambda folder: (folder.model / "one more").touch(),
        lambda folder: folder.record("export", "start", inputs=INPUTS),
        lambda folder: folder.record("export", "end", exit=3, inputs=INPUTS),
        lambda folder: folder.ledger.unlink(),
    ],
    ids=["changed output", "missing output", "added output", "began again", "failed since", "lost ledger"],
)
def test_a_stage_is_not_done_any_more(folder: RunFolder, change: object) -> None:
    assert callable(change)
    change(folder)
    assert not folder.still_done("export", INPUTS, [folder.model])


@pytest.mark.parametrize("inputs", [{}, {"demo": "5678"}, {**INPUTS, "more": "1"}])
def test_a_stage_with_other_inputs_is_not_done(folder: RunFolder, inputs: dict[str, str]) -> None:
    assert not folder.still_done("export", inputs, [folder.model])


def test_a_last_line_that_was_cut_off_is_no_event(folder: RunFolder) -> None:
    whole = json.dumps({"stage": "export", "event": "start", "inputs": INPUTS})
    with folder.ledger.open("a", encoding="utf-8") as handle:
        handle.write(whole[:-5])
    assert len(folder.events()) == 2
    assert folder.still_done("export", INPUTS, [folder.model])


def test_the_event_after_a_cut_off_line_is_kept(folder: RunFolder) -> None:
    with folder.ledger.open("ab") as handle:
        handle.write('{"stage": "报告'.encode()[:-1])
    folder.record("export", "start", inputs=INPUTS)
    assert folder.finished("export") is None
