"""`lfw webui` lays a workspace out for the board, and nothing that a person saved there is lost."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
import yaml

from lf_wrap.board import Form, import_config, prepare
from lf_wrap.board.serve import refuse_taken
from lf_wrap.errors import UserError
from lf_wrap.recipe import Hardware
from tests.board.conftest import Workspace
from tests.conftest import Lfw

CPU = Hardware((), cores=2)


@pytest.fixture
def here(finished: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workspace as it was before any board, as the working directory."""
    for part in ("dataset_info", "recipes", "models", "runs"):
        shutil.copytree(finished.root / part, tmp_path / part)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_datasets_recipes_and_runs_are_laid_out(here: Path, form: Form, finished: Workspace) -> None:
    done = prepare(Path(), form, CPU)
    assert "demo_norm" in done.datasets
    assert (done.recipes, done.runs, done.kept, done.passed_over) == (["tiny"], [finished.run], [], {})
    assert "demo_norm" in json.loads(Path("data/dataset_info.json").read_text())
    saved = yaml.safe_load(Path("llamaboard_config/tiny.yaml").read_text())
    assert saved["train.dataset"] == ["demo_norm", "demo_dialogue"]
    remembered = yaml.safe_load(Path("llamaboard_cache/user_config.yaml").read_text())
    assert (remembered["last_model"], remembered["path_dict"]) == ("Custom", {"Custom": "models/tiny"})
    checkpoint = Path("saves/Custom/lora") / finished.run
    assert (checkpoint / "adapter_model.safetensors").is_file()
    assert (checkpoint / "llamaboard_config.yaml").is_file()


def test_the_board_speaks_the_readers_language_until_they_choose_another_in_it(here: Path, form: Form) -> None:
    remembered = Path("llamaboard_cache/user_config.yaml")
    prepare(Path(), form, CPU)
    assert yaml.safe_load(remembered.read_text())["lang"] is None
    prepare(Path(), form, CPU, language="zh")
    assert yaml.safe_load(remembered.read_text())["lang"] == "zh"
    remembered.write_text(remembered.read_text().replace("lang: zh", "lang: ja"))
    prepare(Path(), form, CPU, language="zh")
    said = yaml.safe_load(remembered.read_text())
    assert (said["lang"], said["path_dict"]) == ("ja", {"Custom": "models/tiny"})


def test_a_run_of_full_tuning_is_a_checkpoint_by_its_weights(here: Path, form: Form, finished: Workspace) -> None:
    name = finished.add_full_run(here)
    done = prepare(Path(), form, CPU, next(Path("runs/whole").iterdir()))
    assert done.runs == [finished.run, name]
    assert done.filled_with == Path(f"llamaboard_config/{name}.yaml")
    assert (Path("saves/Custom/full") / name / "model.safetensors").is_file()
    saved = yaml.safe_load(Path(f"llamaboard_config/{name}.yaml").read_text())
    assert (saved["top.finetuning_type"], saved["top.checkpoint_path"]) == ("full", name)


def test_the_run_itself_is_not_touched(here: Path, form: Form) -> None:
    before = {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*")}
    prepare(Path(), form, CPU)
    assert {file: file.stat().st_mtime_ns for file in Path("runs").rglob("*")} == before


def test_a_second_time_changes_nothing_and_a_changed_recipe_changes_its_configuration(here: Path, form: Form) -> None:
    prepare(Path(), form, CPU)
    saved = Path("llamaboard_config/tiny.yaml")
    before = saved.read_bytes()
    assert prepare(Path(), form, CPU).recipes == ["tiny"]
    assert saved.read_bytes() == before
    recipe = Path("recipes/tiny.yaml")
    recipe.write_text(recipe.read_text().replace("3.0e-4", "5.0e-4"))
    prepare(Path(), form, CPU)
    assert yaml.safe_load(saved.read_text())["train.learning_rate"] == "0.0005"


@pytest.mark.parametrize("how", ["saved in the board", "edited by hand"])
def test_what_a_person_saved_is_kept(here: Path, form: Form, how: str) -> None:
    prepare(Path(), form, CPU)
    saved = Path("llamaboard_config/tiny.yaml")
    body = saved.read_text().replace("0.0003", "0.9")
    saved.write_text(body if how == "edited by hand" else body.partition("\n")[2])
    cache = Path("llamaboard_cache/user_config.yaml")
    cache.write_text("lang: zh\nlast_model: Qwen3-8B-Base\npath_dict: {Qwen3-8B-Base: /models/q}\n")
    done = prepare(Path(), form, CPU)
    assert (done.recipes, done.kept) == ([], ["tiny"])
    assert yaml.safe_load(saved.read_text())["train.learning_rate"] == "0.9"
    remembered = yaml.safe_load(cache.read_text())
    assert (remembered["lang"], remembered["last_model"]) == ("zh", "Qwen3-8B-Base")
    assert remembered["path_dict"]["Qwen3-8B-Base"] == "/models/q"


def test_a_data_folder_of_ones_own_keeps_its_entries_and_gets_ours(here: Path, form: Form) -> None:
    Path("data").mkdir()
    mine = {"mine": {"file_name": "mine.json"}, "demo_norm": {"file_name": "also_mine.json"}}
    Path("data/dataset_info.json").write_text(json.dumps(mine))
    prepare(Path(), form, CPU)
    entries = json.loads(Path("data/dataset_info.json").read_text())
    assert mine.items() <= entries.items()
    assert (Path("data") / entries["demo_dialogue"]["file_name"]).is_file()


def test_a_run_without_weights_or_unfinished_is_told_and_the_others_are_shown(
    here: Path, form: Form, finished: Workspace
) -> None:
    run = next(Path("runs/tiny").iterdir())
    for name in ("without", "unfinished", "broken"):
        shutil.copytree(run, run.with_name(name))
    (run.with_name("without") / "adapter/adapter_model.safetensors").unlink()
    (run.with_name("unfinished") / "ledger.jsonl").write_text('{"stage": "train", "event": "start"}\n')
    (run.with_name("broken") / "recipe.yaml").write_text("model: [")
    with pytest.raises(UserError, match=r"cannot be opened in the board: no weights in adapter/"):
        prepare(Path(), form, CPU, run.with_name("without"))
    done = prepare(Path(), form, CPU)
    assert (done.runs, done.filled_with) == ([finished.run], None)
    assert {Path(path).name: why for path, why in done.passed_over.items()}.keys() == {
        "without",
        "unfinished",
        "broken",
    }
    assert "no weights in adapter/" in done.passed_over.values()


def test_a_recipe_that_cannot_be_completed_is_told_unless_it_is_the_one_to_open(here: Path, form: Form) -> None:
    broken = Path("recipes/broken.yaml")
    broken.write_text("model: ./nowhere\ndata: {train: [demo_norm]}\n")
    assert "recipes/broken.yaml" in prepare(Path(), form, CPU).passed_over
    with pytest.raises(UserError, match="does not exist"):
        prepare(Path(), form, CPU, broken)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(here: Path, form: Form) -> None:
    here.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written"):
        prepare(Path(), form, CPU)


def test_a_saved_configuration_becomes_the_recipe_that_renders_the_same(here: Path, form: Form, lfw: Lfw) -> None:
    prepare(Path(), form, CPU)
    Path("llamaboard_config/tiny.yaml").rename("llamaboard_config/mine.yaml")
    made = import_config(Path(), "mine")
    assert made == Path("recipes/mine.yaml")
    rendered = []
    for name in ("tiny", "mine"):
        assert lfw("render", f"recipes/{name}.yaml").code == 0
        rendered.append(yaml.safe_load(Path(f"rendered/{name}/train.yaml").read_text()))
        del rendered[-1]["output_dir"]
    assert rendered[0].items() <= rendered[1].items()
    with pytest.raises(UserError, match="is there already"):
        import_config(Path(), "mine")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("top: [", "is not YAML"),
        ("- a list", "no saved configuration"),
        ("model: x", "no saved"),
        ("top.nonsense: 1", "no element"),
    ],
)
def test_a_broken_saved_configuration_is_refused_and_no_recipe_written(here: Path, content: str, said: str) -> None:
    Path("llamaboard_config").mkdir()
    Path("llamaboard_config/mine.yaml").write_text(content)
    with pytest.raises(UserError, match=said):
        import_config(Path(), "mine")
    assert not Path("recipes/mine.yaml").exists()


def test_a_configuration_that_is_not_there_is_answered_with_the_nearest(here: Path, form: Form) -> None:
    prepare(Path(), form, CPU)
    with pytest.raises(UserError) as refused:
        import_config(Path(), "tinny")
    assert "did you mean 'tiny'?" in str(refused.value)


def test_a_taken_port_is_refused_with_a_free_one(lfw: Lfw) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is taken") as refused:
            refuse_taken("127.0.0.1", port)
        assert "lfw webui --port" in str(refused.value)
        ran = lfw("webui", "--port", port)
        assert (ran.code, ran.out, "is taken" in ran.err) == (1, "", True)


def test_without_the_board_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from lf_wrap.board.form import require_board

    monkeypatch.setattr("lf_wrap.board.form.find_spec", lambda name: None if name == "gradio" else object())
    with pytest.raises(UserError, match="gradio is not installed") as refused:
        require_board()
    assert refused.value.fix == "pip install gradio"


def test_a_path_of_a_config_name_cannot_leave_the_folder(here: Path, form: Form) -> None:
    prepare(Path(), form, CPU)
    with pytest.raises(UserError, match="no configuration"):
        import_config(Path(), "../recipes/tiny")
