"""`lfw init` lays out a workspace that everything else runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT, Lfw


def content(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_specs_sample_rows_and_recipes_are_laid_out(lfw: Lfw, tmp_path: Path) -> None:
    ran = lfw("init", "work")
    assert (ran.code, ran.err) == (0, "")
    laid_out = content(tmp_path / "work")
    recipes = {f"recipes/{file.name}" for file in (ROOT / "recipes").iterdir()}
    specs = {f"dataset_info/{file.name}" for file in (ROOT / "dataset_info").glob("*.yaml")}
    samples = {f"dataset_info/raw/sample/{file.name}" for file in (ROOT / "dataset_info/raw/sample").iterdir()}
    assert laid_out.keys() == recipes | specs | samples
    assert all((ROOT / name).read_bytes() == written for name, written in laid_out.items())
    assert all(f"work/{name}" in ran.out for name in laid_out)


def test_what_is_there_already_stays(lfw: Lfw, tmp_path: Path) -> None:
    mine = tmp_path / "work/recipes/demo.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (tmp_path / "work/notes.txt").write_text("mine too")
    ran = lfw("init", "work")
    assert ran.code == 0
    assert (mine.read_text(), (tmp_path / "work/notes.txt").read_text()) == ("mine", "mine too")
    assert "recipes/demo.yaml" not in ran.out.splitlines()
    assert (tmp_path / "work/recipes/med_sft_lora.yaml").is_file()


def test_the_files_written_can_be_had_as_json(lfw: Lfw, tmp_path: Path) -> None:
    ran = lfw("init", "work", "--json")
    assert set(ran.json["written"]) == {f"work/{name}" for name in content(tmp_path / "work")}
    assert "Next: cd work" in ran.err
    assert lfw("init", "work", "--json").out == '{"written": []}\n'


def test_a_second_time_writes_nothing(lfw: Lfw, tmp_path: Path) -> None:
    lfw("init", "work")
    before = content(tmp_path / "work")
    assert lfw("init", "work").out.startswith("0 files written")
    assert content(tmp_path / "work") == before


def test_the_datasets_can_be_built_from_there(lfw: Lfw, tmp_path: Path) -> None:
    lfw("init", "work")
    ran = lfw("build-data", "dataset_info/demo.yaml", "--json", cwd=tmp_path / "work")
    assert ran.code == 0, ran.err
    assert {made["name"]: made["read"] for made in ran.json["datasets"]} == {
        "demo_norm": 180,
        "demo_dialogue": 60,
        "demo_report": 30,
        "demo_table": 40,
        "demo_roleplay": 24,
    }


@pytest.mark.parametrize("name", ["med_sft_lora", "med_sft_full", "roleplay_sft_lora"])
def test_every_recipe_can_be_rendered_there_before_its_data_is_fetched(lfw: Lfw, workspace: Path, name: str) -> None:
    ran = lfw("render", f"recipes/{name}.yaml", "--json", cwd=workspace)
    assert ran.code == 0, ran.err
    assert (workspace / ran.json["train"]).is_file()


@pytest.mark.parametrize("spec", ["medical", "roleplay"])
def test_a_raw_file_that_is_not_there_says_how_to_get_it(lfw: Lfw, workspace: Path, spec: str) -> None:
    ran = lfw("build-data", f"dataset_info/{spec}.yaml", cwd=workspace)
    assert ran.code == 1
    assert "fix:   get it first: lfw fetch dataset" in ran.err
