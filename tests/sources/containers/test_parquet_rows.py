"""Rows of Parquet files."""

from __future__ import annotations

from pathlib import Path

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from lf_wrap.errors import UserError
from lf_wrap.sources.containers import parquet_rows as module
from lf_wrap.sources.containers.parquet_rows import parquet_rows

ROWS = [
    {"q": "头疼", "n": 1, "score": 0.5, "turns": [{"message": "hi", "is_human": True}], "tags": {"a": ["x", None]}},
    {"q": None, "n": None, "score": None, "turns": [], "tags": {"a": []}},
    {"q": "c", "n": 3, "score": 2.0, "turns": None, "tags": None},
]


def test_values_are_plain_python_however_deep(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    assert list(parquet_rows(path)) == list(enumerate(ROWS, 1))


def test_nan_is_none(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    nan = float("nan")
    parquet.write_table(pyarrow.table({"x": [1.5, nan], "xs": [[nan, 1.0], []]}), path)
    assert [row for _, row in parquet_rows(path)] == [{"x": 1.5, "xs": [None, 1.0]}, {"x": None, "xs": []}]


def test_bytes_are_text_where_they_are_utf8(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"q": ["头疼".encode(), b"\xff"]}), path)
    assert [row for _, row in parquet_rows(path)] == [{"q": "头疼"}, {"q": None}]


def test_what_pandas_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pandas.DataFrame({"q": ["a", None], "kind": pandas.Categorical(["x", "y"])}).to_parquet(path)
    assert [row for _, row in parquet_rows(path)] == [{"q": "a", "kind": "x"}, {"q": None, "kind": "y"}]


def test_rows_are_numbered_across_batches_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"n": range(1, 11)}), path, row_group_size=4)
    assert list(parquet_rows(path)) == [(number, {"n": number}) for number in range(1, 11)]


def test_a_file_without_rows_has_none(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"n": pyarrow.array([], "int64")}), path)
    assert list(parquet_rows(path)) == []


@pytest.mark.parametrize("broken", ["cut off", "another kind", "bad text"])
def test_a_broken_file_says_so(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table({"q": ["MARK" + "x" * 50]}), path, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    contents = {
        "cut off": whole[:-20],
        "another kind": b"<html>404</html>",
        "bad text": whole.replace(b"MARK", b"\xff\xfe\xfd\xfc"),
    }
    path.write_bytes(contents[broken])
    with pytest.raises(UserError, match=r"rows\.parquet is not a Parquet file that can be read") as caught:
        list(parquet_rows(path))
    assert caught.value.fix
