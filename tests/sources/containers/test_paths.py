"""Which files a path means."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.sources.containers.paths import files_of, is_data

DATA = ["a.jsonl", "b.CSV", "sub/c.json.gz", "sub/deep/d.parquet", "sub/notice_board.json", "z.png"]
OTHER = [
    ".hidden.json",
    ".git/e.json",
    "__MACOSX/a.jsonl",
    "LICENSE",
    "license.txt",
    "README.md",
    "README_zh.txt",
    "dataset_info.json",
    "paper.pdf",
    "photo.jpg",
    "sub/.cache/f.json",
    "train.py",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*DATA, *OTHER):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    (tmp_path / "folder.json").mkdir()
    return tmp_path


def test_what_is_data_and_what_is_not() -> None:
    assert [name for name in (*DATA, *OTHER) if is_data(name)] == DATA


def test_a_folder_means_its_data_files_sorted(folder: Path) -> None:
    assert files_of(str(folder)) == [folder / name for name in DATA]


def test_a_hidden_folder_above_does_not_hide_what_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".cache" / "a.json"
    file.parent.mkdir()
    file.touch()
    assert files_of(str(file.parent)) == [file]


@pytest.mark.parametrize("name", ["a.jsonl", "LICENSE", "train.py"])
def test_a_file_means_itself_whatever_it_is(folder: Path, name: str) -> None:
    assert files_of(str(folder / name)) == [folder / name]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.jsonl", ["a.jsonl"]),
        ("?.*", ["a.jsonl", "b.CSV", "z.png"]),
        ("[az]*", ["a.jsonl", "z.png"]),
        ("sub/*", ["sub/c.json.gz", "sub/notice_board.json"]),
        ("**/*.parquet", ["sub/deep/d.parquet"]),
    ],
)
def test_a_pattern_means_the_files_it_matches_sorted(folder: Path, pattern: str, names: list[str]) -> None:
    assert files_of(str(folder / pattern)) == [folder / name for name in names]


def test_a_pattern_may_be_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert files_of("*.jsonl") == [Path("a.jsonl")]


def test_a_name_with_brackets_that_exists_is_no_pattern(tmp_path: Path) -> None:
    file = tmp_path / "rows[1].json"
    file.touch()
    assert files_of(str(file)) == [file]


def test_the_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.json").touch()
    assert files_of("~/a.json") == files_of("~/*.json") == [tmp_path / "a.json"]


@pytest.mark.parametrize(
    ("given", "says"),
    [("nothing.json", "does not exist"), ("*.xml", "no file matches"), ("empty", "holds no data files")],
)
def test_nothing_found_says_what_was_looked_for(tmp_path: Path, given: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/README.md").touch()
    with pytest.raises(UserError, match=says) as caught:
        files_of(str(tmp_path / given))
    assert caught.value.fix
    with pytest.raises(UserError) as caught:
        files_of(str(tmp_path / given), fix="run fetch.sh")
    assert caught.value.fix == "run fetch.sh"
