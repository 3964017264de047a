"""Containers and encodings: the same rows come out of every one of them."""

from __future__ import annotations

import base64
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from lf_wrap.conversation import Reject
from lf_wrap.errors import UserError
from lf_wrap.sources.containers import json_rows, open_rows
from tests.conftest import SAMPLE

ROWS = [{"问": "头疼}, {", "答": '说"多休息"\n'}, {"问": "b", "答": "[1]"}, {"问": "c", "答": ""}]


def values(path: Path) -> list[Any]:
    return [value for _, value in open_rows(path)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_json_array_in_any_encoding(tmp_path: Path, indent: int | None, encoding: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS, ensure_ascii=False, indent=indent), encoding=encoding)
    assert values(path) == ROWS


@pytest.mark.parametrize("path", sorted(SAMPLE.glob("*.json*")), ids=lambda path: path.name)
def test_our_own_rows_are_chinese_in_gb18030_too(tmp_path: Path, path: Path) -> None:
    (tmp_path / path.name).write_bytes(path.read_text(encoding="utf-8-sig").encode("gb18030"))
    assert values(tmp_path / path.name) == values(path)


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.txt"])
def test_json_lines_whatever_the_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    assert values(path) == ROWS


@pytest.mark.parametrize("indent", [None, 1])
def test_a_dict_by_id_keeps_the_id(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"a1": ROWS[0], "a2": ROWS[1]}, indent=indent), encoding="utf-8")
    assert values(path) == [{"id": "a1", **ROWS[0]}, {"id": "a2", **ROWS[1]}]


@pytest.mark.parametrize(
    "content",
    [
        '{"a": 1}{"a": 2}\n{"a": 3} {"a": 4}\n',
        '{"a": 1}{"a": 2} {"a": 3},{"a": 4}',
        '{\n "a": 1\n}\n{\n "a": 2\n}\n{"a":\n3}\n{\n"a":\n4}',
        '{"version": "1.0", "data": [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]}',
    ],
)
def test_objects_one_behind_another_and_in_an_envelope(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.json").write_text(content, encoding="utf-8")
    assert values(tmp_path / "rows.json") == [{"a": number} for number in (1, 2, 3, 4)]


def test_a_line_that_is_objects_and_something_else_is_one_reject(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}{"a"\n', encoding="utf-8")
    first, reject = values(tmp_path / "rows.jsonl")
    assert (first, reject.reason) == ({"a": 1}, "invalid JSON line")


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_table_with_quoted_line_breaks(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        delimiter.join(["title", "答"]) + '\r\na,"b\nc"\r\n'.replace(",", delimiter), encoding=encoding, newline=""
    )
    assert values(path) == [{"title": "a", "答": "b\nc"}]


def test_a_workbook_whatever_its_name(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (["原始词", "标准词"], ["NA", 3], [None, None], ["右肾", 2.5]):
        book.active.append(row)
    path = tmp_path / "rows.csv"
    book.save(path)
    assert [(number, dict(row)) for number, row in open_rows(path)] == [
        (2, {"原始词": "NA", "标准词": 3}),
        (4, {"原始词": "右肾", "标准词": 2.5}),
    ]


def test_formulas_that_excel_has_never_calculated_are_counted(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for row in (["question", "answer"], ["=1+1", '="a"&"b"'], ["plain", 3]):
        book.active.append(row)
    path = tmp_path / "rows.xlsx"
    book.save(path)
    assert open_rows(path).uncalculated == 2
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    # As Excel saves them once they are calculated: a number, and a text that came out empty.
    members[sheet] = members[sheet].replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(b"<v />", b"<v/>")
    members[sheet] = re.sub(rb'<c r="B2"[^>]*>', b'<c r="B2" t="str">', members[sheet])
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    assert open_rows(path).uncalculated == 0
    (tmp_path / "rows.csv").write_text("question,answer\n=1+1,2\n", encoding="utf-8")
    assert open_rows(tmp_path / "rows.csv").uncalculated == 0


XLS = (  # what xlwt 1.3.0 writes of the rows below, by zlib.compress and base64.b85encode
    "c-rk)O-NKx6#nj;|3SwY8v_kw5YjR?(k2Lf6_hJYn}z*BGv)(B8D+3VEo>T_l>|YnA_&1v8>>w})}j_gP-5hw2!fefwu%Z`=)BH7b03Z7!U2<t"
    "`#tWt=bd}*z31I??s@ON*9(#S^xcL6R-qFv6zu@KWimk};M{~k?Y1phr}k5^HU23C{NzZl2al>>`J@k}zY8#M$NiKj@R7<%jG<>VWyLlT2iS(B"
    "kT!G>6}Ul?5bD{gTBfI&Zee<xH6JtG$CArTJ4iP#j$^^>Y2Blu_^8puZ6U~U?{lB`ENMp_UdSlEa7C1KJ=mW<lN|Xw8yekJm;w2%%Su`4<VYS-"
    "a^MWU+cDsqvs0hMw0v{r0wn*jQtn$re${XT8Q2L9@EiqX-c{O!@gd6^Z(qV*ay7WPAa2HA9-E&c#y9l5Z+^-R@ijh|S)9mby%2MmM7;ZOOXAtt"
    "cX1kR%<4Z8l=+(XcX-AAuI9L}B07i~<|7>aVani3x4yjT9_Tesu_VJey_EU4OJiZ<qU=GPL)^mlvTiHWT}-n)>Ne&Zm`3R#sBZ49Q_P`B*15#3"
    "%{0$$#-iC$#_u3L_qp#uWA2l=lla-L!ujazTXPys^d=gl{_>hcn`jf)uSq;Kom!|Y@quamZyCdHgq7{KdcD<P89`<vOiOoib%fFvYv>EsH<Z3$"
    "eV5WVR_RX|L6$`jQu?LUmn++8)Z(6Or2O>@L1<`bXlQ6?XlQ6`9EAFMmtU-Ib<~h&1fTk^vrMI^f0O*TID%2S#_3>s5GktDI9E~pY=uWSV~KV4"
    "asC%d^waEV3}b-p7_K;e>5M1JpJ&}2!yC7SDxJSriJgCV{-5rj(Q^"
)


def test_an_old_workbook(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(zlib.decompress(base64.b85decode(XLS)))
    assert values(tmp_path / "rows.csv") == [
        {"原始词": "右肺结节", "标准词": "肺占位性病变"},
        {"原始词": 3.0, "标准词": "数字"},
    ]


def test_nan_which_pandas_writes_is_a_missing_value(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"a": NaN}, {"a": 1}]', encoding="utf-8")
    assert str(values(path)[0]["a"]) == "nan"


def test_a_broken_line_is_one_reject_and_the_others_go_on(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n{"a": \n\n{"a": 3}\n{"a": 4', encoding="utf-8")
    numbered = list(open_rows(path))
    assert [number for number, _ in numbered] == [1, 2, 4, 5]
    assert [isinstance(value, Reject) for _, value in numbered] == [False, True, False, True]


def test_a_ragged_table_row_is_a_reject_that_counts_the_fields(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n1,2,3\n", encoding="utf-8")
    _, (number, reject) = open_rows(path)
    assert (number, reject.reason) == (3, "ragged row")
    assert "3 fields, 2 columns" in reject.detail


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", b"", "empty (0 bytes)"),
        ("a.json", b" \n ", "nothing but blanks"),
        ("a.json", b'[{"a": 1}, {"a": 2', "after row 1"),
        ("a.json", b'[{"a": 1}, {"a": 2}', "after row 2"),
        ("a.json", b'[{"a": 1}, oops, {"a": 2}]', "after row 1"),
        ("a.json", b'{"x": {"a": 1}, "y": {"a"', "not whole JSON"),
        ("a.xlsx", b"<html>404</html>", "not a .xlsx file, whatever its name says"),
        ("a.xlsx", b"PK\x03\x04 and no zip", "not an Excel workbook that can be read"),
        ("a.csv", b"\x7fELF\0\0", "not a text file"),
        ("a.csv", b"a,b\n\xff\xfe\xfd,1\n" * 3, "neither UTF-8 nor GB18030"),
        ("a.csv", b'a,b\n1,"open\n2,3\n', "not a sound table"),
        ("a.csv", b"a,a\n1,2\n", "a column twice"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        values(path)
    assert says in str(caught.value)
    assert name in str(caught.value)
    assert caught.value.fix


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


rows_of_any_shape = st.lists(st.dictionaries(st.text(max_size=5), json_values, max_size=4), min_size=1)


@settings(max_examples=200, deadline=None)
@given(rows=rows_of_any_shape, block=st.integers(1, 64), indent=st.sampled_from([None, 1]))
def test_streaming_an_array_gives_what_parsing_it_whole_gives(rows: list[Any], block: int, indent: int | None) -> None:
    data = json.dumps(rows, indent=indent).encode()
    blocks = (data[start : start + block] for start in range(1, len(data), block))
    assert list(json_rows._array(b"", blocks, Path("rows.json"))) == rows
