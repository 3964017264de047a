"""What is written appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from lf_wrap.files import take_place


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


def test_a_folder_takes_the_place_of_another_and_nothing_is_left(tmp_path: Path) -> None:
    folder(tmp_path / ".model.old", "of a killed process")
    take_place(folder(tmp_path / "new", "new"), folder(tmp_path / "model", "old"))
    assert [(path.name, (path / "file").read_text()) for path in tmp_path.iterdir()] == [("model", "new")]


def test_what_was_there_goes_only_when_the_new_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, target = folder(tmp_path / "new", "new"), folder(tmp_path / "model", "old")
    seen: list[bool] = []

    def noted(path: Path, ignore_errors: bool) -> None:
        seen.append(target.is_dir() and (target / "file").read_text() == "new")

    monkeypatch.setattr("lf_wrap.files.shutil.rmtree", noted)
    take_place(made, target)
    assert seen == [False, True]
    assert (tmp_path / ".model.old/file").read_text() == "old"
