"""A dataset too large for one file is a folder of files: the same rows, for every reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lf_wrap.dataset import DatasetSpec, build, conversations, files_in, is_fresh, load_card, registered_file
from lf_wrap.dataset.tokenized import open_registered
from lf_wrap.errors import UserError

SHARD_MB = 0.01
NAMES = ("d", "d_test")


def specs(folder: Path, shard_mb: float, chats: bool = False) -> dict[str, DatasetSpec]:
    rows = [{"instruction": f"问题{n}" * 9, "input": "", "output": f"答案{n}" * 9} for n in range(300)]
    if chats:
        rows[7] |= {"history": [["先问", "先答"]]}  # type: ignore[dict-item]
    path = folder / "rows.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return {"d": DatasetSpec(source=str(path), test=60, shard_mb=shard_mb, near_duplicates=False)}


@pytest.mark.parametrize("chats", [False, True])
def test_the_rows_are_the_same_as_in_one_file(tmp_path: Path, chats: bool) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    build(specs(tmp_path, 1, chats), whole)
    build(specs(tmp_path, SHARD_MB, chats), parts)
    for name in NAMES:
        path = registered_file(parts, name)[1]
        assert path.is_dir()
        assert len(files_in(path)) > 1
        assert b"".join(file.read_bytes() for file in files_in(path)) == registered_file(whole, name)[1].read_bytes()
        if not chats:  # else some rows are longer than they were when the files were cut
            assert all(file.stat().st_size <= SHARD_MB * 1e6 for file in files_in(path))
        assert list(conversations(parts, name)) == list(conversations(whole, name))
        assert open_registered(parts, name).lines == open_registered(whole, name).lines


def test_the_card_knows_the_folder(tmp_path: Path) -> None:
    wanted = specs(tmp_path, SHARD_MB)
    build(wanted, tmp_path / "out")
    card = load_card(tmp_path / "out", "d")
    assert card is not None
    assert Path(card.files["train"]).name == "d_train"
    assert is_fresh(wanted, tmp_path / "out")
    with files_in(tmp_path / "out/d_train")[-1].open("ab") as last:
        last.write(b"{}\n")
    assert not is_fresh(wanted, tmp_path / "out")


def test_what_a_dataset_was_before_goes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for shard_mb, there, gone in (
        (SHARD_MB, "d_train", "d_train.jsonl"),
        (1, "d_train.jsonl", "d_train"),
        (SHARD_MB, "d_train", "d_train.jsonl"),
        (2 * SHARD_MB, "d_train", "d_train.jsonl"),  # a folder in a folder's place, with fewer files
    ):
        build(specs(tmp_path, shard_mb), out)
        assert (out / there).exists()
        assert not (out / gone).exists()
        assert registered_file(out, "d")[1] == out / there
        assert len(list(conversations(out, "d"))) == 240


def test_a_folder_of_someone_else_stays(tmp_path: Path) -> None:
    mine = tmp_path / "out/d_train/notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match="lfw did not make"):
        build(specs(tmp_path, SHARD_MB), tmp_path / "out")
    assert mine.read_text() == "mine"
