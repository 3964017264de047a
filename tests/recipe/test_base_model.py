"""`model:` in a recipe is a folder with a model in it, or the id of a model on a hub."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.recipe import base_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The least that is a model folder."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"max_position_embeddings": 512}')
    (model / "model.safetensors").write_bytes(b"weights")
    (model / "tokenizer.json").write_text("{}")
    return model


def test_a_real_model_folder_tells_its_context_and_its_tokenizer(tiny_model: Path) -> None:
    found = base_model(str(tiny_model))
    assert (found.folder, found.max_positions) == (tiny_model, 4096)
    assert found.tokenizer_json == tiny_model / "tokenizer.json"


@pytest.mark.parametrize("weights", ["model-00001-of-00002.safetensors", "pytorch_model.bin", "model-Q4_K_M.gguf"])
def test_weights_come_in_several_formats(folder: Path, weights: str) -> None:
    (folder / "model.safetensors").rename(folder / weights)
    assert base_model(str(folder)).folder == folder


def test_a_folder_without_tokenizer_json_is_a_model_all_the_same(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    assert base_model(str(folder)).tokenizer_json is None


def test_the_home_may_be_written_as_a_tilde(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    assert base_model("~/model").folder == folder


def test_a_hub_id_is_not_looked_up() -> None:
    found = base_model("Qwen/Qwen2.5-0.5B-Instruct")
    assert (found.folder, found.max_positions, found.tokenizer_json) == (None, None, None)
    assert found.identity() == "Qwen/Qwen2.5-0.5B-Instruct"


def test_a_folder_called_like_a_hub_id_is_the_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Qwen").mkdir()
    folder.rename(tmp_path / "Qwen/Qwen2.5-0.5B-Instruct")
    monkeypatch.chdir(tmp_path)
    assert base_model("Qwen/Qwen2.5-0.5B-Instruct").folder == Path("Qwen/Qwen2.5-0.5B-Instruct")


@pytest.mark.parametrize("name", ["./model", "../model", "/no/such/model", "~/no/such", "models/tuned/last", "gpt2"])
def test_a_path_without_a_folder_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="does not exist") as error:
        base_model(name)
    assert "hub id" in str(error.value.fix)


@pytest.mark.parametrize(
    ("missing", "said"), [("config.json", "it has no config.json"), ("model.safetensors", "holds no weights")]
)
def test_a_folder_with_a_part_missing_is_no_model(folder: Path, missing: str, said: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(UserError, match=said):
        base_model(str(folder))


def test_a_weights_file_is_no_model_folder(folder: Path) -> None:
    with pytest.raises(UserError, match="not a model folder"):
        base_model(str(folder / "model.safetensors"))


@pytest.mark.parametrize("content", ["{", "", "[]", "null"])
def test_a_config_that_is_no_json_object_is_named(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(UserError, match=r"config\.json"):
        base_model(str(folder))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", json.dumps({"max_position_embeddings": 1024})),
        ("model.safetensors", "longer weights"),
        ("model.safetensors", "tuned!!"),
        ("model-00002-of-00002.safetensors", "more weights"),
        ("tokenizer.json", "[]"),
        ("chat_template.jinja", "{{ messages }}"),
    ],
)
def test_another_config_or_other_weights_are_another_model(folder: Path, file: str, content: str) -> None:
    before = base_model(str(folder)).identity()
    assert before == base_model(str(folder)).identity()
    (folder / file).write_text(content)
    assert base_model(str(folder)).identity() != before


@pytest.mark.parametrize("place", [0, 1_000_000 - 1])
def test_large_weights_are_told_apart_at_their_ends(folder: Path, place: int) -> None:
    weights = bytearray(1_000_000)
    (folder / "model.safetensors").write_bytes(weights)
    before = base_model(str(folder)).identity()
    weights[place] = 1
    (folder / "model.safetensors").write_bytes(weights)
    assert base_model(str(folder)).identity() != before


def test_a_copy_is_the_same_model(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    (copy / "README.md").touch()
    assert base_model(str(copy)).identity() == base_model(str(folder)).identity()
