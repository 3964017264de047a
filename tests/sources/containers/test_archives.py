"""Archives: the data in them comes out, and nothing else does."""

from __future__ import annotations

import gzip
import io
import warnings
import zipfile
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.sources.containers import archives, open_rows
from lf_wrap.sources.containers.archives import members

ROWS = b'[{"a": 1}, {"a": 2}]' * 200


def packed(*named: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    handle = io.BytesIO()
    with zipfile.ZipFile(handle, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in named:
            archive.writestr(name, content)
    return handle.getvalue()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "out"


def unpacked(path: Path, into: Path) -> dict[str, bytes]:
    """What came out, by name. Nothing else has been written anywhere."""
    before = sorted(path.parent.rglob("*"))
    found = members(path, into)
    assert sorted(path.parent.rglob("*")) == sorted([*before, into, *found])
    return {file.relative_to(into).as_posix(): file.read_bytes() for file in found}


def refused(path: Path, into: Path, says: str) -> UserError:
    with pytest.raises(UserError) as caught:
        members(path, into)
    assert says in str(caught.value)
    assert path.name in str(caught.value)
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize("name", ["rows.json.gz", "rows.json.GZ", "rows.json"])
def test_a_gz_is_its_one_file_under_its_name(tmp_path: Path, into: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(ROWS) + gzip.compress(b"[]"))  # of several streams, as `cat` joins them
    assert unpacked(path, into) == {"0001-rows.json": ROWS + b"[]"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_is_its_data_files_numbered(tmp_path: Path, into: Path, method: int) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(
        packed(
            ("data/", b""),
            ("data/train.json", ROWS),
            ("data/README.md", b"no data"),
            ("data/LICENSE.txt", b"no data"),
            ("data/photo.jpg", b"no data"),
            ("data/.DS_Store", b"no data"),
            ("__MACOSX/data/train.json", b"no data"),
            ("data/dev set (1).csv", b"a,b\n1,2\n"),
            ("other/train.json", b"[]"),
            ("card.png", b"\x89PNG"),
            method=method,
        )
    )
    assert unpacked(path, into) == {
        "0001-train.json": ROWS,
        "0002-dev_set_1_.csv": b"a,b\n1,2\n",
        "0003-train.json": b"[]",
        "0004-card.png": b"\x89PNG",
    }


def test_a_name_may_come_twice_and_may_be_too_long_for_a_disk(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(packed(("a.json", b"1"), ("a.json", b"2"), ("训" * 250 + ".json", b"3")))
    assert unpacked(path, into) == {"0001-a.json": b"1", "0002-a.json": b"2", f"0003-{'训' * 55}.json": b"3"}


def test_chinese_names_as_windows_packs_them(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.zip"
    whole = packed(("xxxx.json", ROWS))
    path.write_bytes(whole.replace(b"xxxx", "训练".encode("gb18030")))
    assert unpacked(path, into) == {"0001-训练.json": ROWS}


@pytest.mark.parametrize(
    "name", ["../up.json", "a/../../up.json", "/etc/up.json", "..\\up.json", "C:\\up.json", "../up/"]
)
def test_a_member_that_points_out_of_the_archive_is_refused_by_name(tmp_path: Path, into: Path, name: str) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(packed(("good.json", ROWS), (name, b"[]")))
    refused(path, into, f"points out of it: {name}".replace("\\", "/"))
    assert list(into.iterdir()) == []


def test_an_encrypted_member_is_refused_by_name(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.zip"
    whole = bytearray(packed(("secret.json", ROWS)))
    whole[6] |= 1  # the flag in the member's own header
    whole[whole.index(b"PK\1\2") + 8] |= 1  # and in the index
    path.write_bytes(whole)
    refused(path, into, "is encrypted: secret.json needs a password")


def test_an_archive_in_an_archive_is_refused_by_name(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(packed(("inner/rows.zip", packed(("a.json", ROWS)))))
    refused(path, into, "has an archive in it: inner/rows.zip")


@pytest.mark.parametrize("name", ["rows.tar.gz", "rows.tgz"])
def test_a_tar_archive_is_refused(tmp_path: Path, into: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(ROWS))
    refused(path, into, "is a tar archive")


def test_an_archive_without_data_says_so(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(packed(("README.md", b"x")))
    refused(path, into, "holds no data files")


@pytest.mark.parametrize("cut", [5, 11, 40])
def test_a_cut_off_gz_names_what_is_in_it(tmp_path: Path, into: Path, cut: int) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(ROWS)[:-cut])
    assert "rows.json: " in str(refused(path, into, "cannot be unpacked").where)


def test_a_gz_with_something_after_it_is_broken(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(ROWS) + b"<html>")
    refused(path, into, "cannot be unpacked")


def test_a_cut_off_zip_has_lost_its_index(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(packed(("a.json", ROWS))[:-30])
    refused(path, into, "is not a whole zip archive")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a.json" + packed(("a.json", ROWS))[36:46], b"a.json" + b"\xff" * 10),  # what is packed
        (b"PK\3\4", b"PK\3\3"),  # the member's own header
    ],
)
def test_a_damaged_member_is_named(tmp_path: Path, into: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "rows.zip"
    whole = packed(("a.json", ROWS))
    assert old in whole
    path.write_bytes(whole.replace(old, new, 1))
    assert "a.json: " in str(refused(path, into, "cannot be unpacked").where)


def test_a_member_packed_in_an_unknown_way_is_named(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "rows.zip"
    whole = bytearray(packed(("a.json", ROWS)))
    whole[8] = whole[whole.index(b"PK\1\2") + 10] = 97
    path.write_bytes(whole)
    refused(path, into, "a.json: That compression method is not supported")


@pytest.mark.parametrize("kind", ["gz", "zip"])
@pytest.mark.parametrize(("cap", "value"), [("LARGEST", 3 << 20), ("HARMLESS", 1 << 20)])
def test_a_bomb_is_stopped_while_it_goes_off(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch, kind: str, cap: str, value: int
) -> None:
    monkeypatch.setattr(archives, cap, value)
    monkeypatch.setattr(archives, "STEEPEST", 300)
    padding = bytes(5 << 20)
    path = tmp_path / f"bomb.json.{kind}"
    path.write_bytes(gzip.compress(padding) if kind == "gz" else packed(("a.json", padding), ("b.json", padding)))
    refused(path, into, "looks like a zip bomb")
    assert sum(file.stat().st_size for file in into.iterdir()) <= 4 << 20


def test_many_small_members_are_counted_together(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST", 10 * len(ROWS))
    path = tmp_path / "rows.zip"
    path.write_bytes(packed(*((f"{number}.json", ROWS) for number in range(11))))
    refused(path, into, "looks like a zip bomb")


def test_data_that_packs_well_is_no_bomb(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "STEEPEST", 1)  # below HARMLESS it does not matter
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(ROWS))
    assert unpacked(path, into) == {"0001-rows.json": ROWS}


def test_a_workbook_that_unpacks_to_far_more_than_a_table_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "HARMLESS", 1 << 20)
    monkeypatch.setattr(archives, "STEEPEST", 500)
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (8 << 20))
    with pytest.raises(UserError, match="looks like a zip bomb"):
        list(open_rows(path))
