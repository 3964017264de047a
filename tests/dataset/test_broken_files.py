"""Files from bad downloads, wrong programs and bad intentions: a message or a balanced count, nothing else."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from openpyxl import Workbook

from lf_wrap.dataset import DatasetSpec, build
from lf_wrap.errors import UserError

GOOD = {"instruction": "头痛怎么办", "input": "三天了", "output": "多休息，及时就诊。"}
LINE = json.dumps(GOOD, ensure_ascii=False)
OTHER = json.dumps(GOOD | {"instruction": "咳嗽怎么办"}, ensure_ascii=False)


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return buffer.getvalue()


def workbook(*rows: list[object]) -> bytes:
    book, buffer = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    whole = b"\x89PNG\r\n\x1a\n"
    for kind, data in (*chunks, (b"IEND", b"")):
        whole += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return whole


def text(value: str) -> bytes:
    return value.encode("utf-8")


def table(question: str, answer: str, asked: str, answered: str, encoding: str) -> bytes:
    rows = "".join(f"{asked} {number},{answered}\n" for number in range(100))
    return f"{question},{answer}\n{rows}".encode(encoding)


# Files of which nothing can be used: the message must name the file and say what to do.
REFUSED = {
    "empty.json": b"",
    "blanks.csv": b" \r\n \t ",
    "bom_only.json": b"\xef\xbb\xbf",
    "array_cut.json": text(f"[{LINE}, {LINE[:20]}"),
    "array_open.json": text(f"[{LINE}"),
    "array_of_text.json": b'["a", "b"]',
    "array_of_lists.json": b"[[1, 2], [3, 4]]",
    "array_empty.json": b"[]",
    "dict_empty.json": b"{}",
    "dict_cut.json": text('{"a": ' + LINE + ', "b": {"instr'),
    "number.json": b"[1, 2, 3]",
    "html.json": b"<!doctype html><title>404</title>",
    "html.xlsx": b"<!doctype html><title>404</title>",
    "html.parquet": b"<!doctype html><title>404</title>",
    "html.png": b"<!doctype html><title>404</title>",
    "random.csv": bytes(range(256)) * 8,
    "utf16_cut.json": f"[{LINE}]".encode("utf-16")[:-1],
    "utf8_mark_gbk_rows.csv": b"\xef\xbb\xbftitle,ask,answer\n" + "标题,问,答\n".encode("gb18030"),
    "two_encodings.csv": "title,ask,answer\n标题,问,答\n".encode() + "标题,问,答\n".encode("gb18030") + b"\xff\xff",
    "big5.csv": table("問題", "回答", "請問高血壓的病人平時應該注意哪些事情？", "建議少吃鹽並按時服藥。", "big5"),
    "euc_kr.csv": table("question", "answer", "고혈압 환자는 무엇을 조심해야 합니까", "소금을 줄이세요.", "euc-kr"),
    "shift_jis.csv": table("質問", "回答", "高血圧の患者は何に注意すればよいですか", "塩分を控えて。", "shift_jis"),
    "latin1.csv": table(
        "question", "answer", "Le médecin a-t-il été prévenu ?", "Une échographie générale.", "latin-1"
    ),
    "lfs_pointer.json": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "unclosed.csv": b'title,ask,answer\na,"b,c\nd,e,f\n',
    "twice.csv": b"title,ask,ask,answer\na,b,c,d\n",
    "no_answer_column.csv": b"title,ask\na,b\n",
    "only_header.csv": b"title,ask,answer\n",
    "only_header.xlsx": workbook(["原始词", "标准词"]),
    "no_rows.xlsx": workbook(),
    "formulas.xlsx": workbook(["原始词", "标准词"], ["=1+1", "=A2"]),
    "cut.xlsx": workbook(["原始词", "标准词"], ["a", "b"])[:400],
    "zip_of_nothing.zip": zipped(),
    "zip_traversal.zip": zipped(**{"..__..__etc__rows_dot_json": text(f"[{LINE}]")}),
    "zip_in_zip.zip": zipped(inner_dot_zip=zipped(a_dot_json=text(f"[{LINE}]"))),
    "zip_cut.zip": zipped(a_dot_json=text(f"[{LINE}]"))[:60],
    "gzip_cut.json.gz": gzip.compress(text(f"[{LINE}]"))[:30],
    "no_card.png": png((b"IHDR", bytes(13))),
    "card_broken.png": png((b"tEXt", b"chara\0" + base64.b64encode(b"{not json"))),
    "card_cut.png": png((b"tEXt", b"chara\0" + base64.b64encode(b"{}")))[:40],
    "parquet_cut.parquet": b"PAR1" + bytes(100),
    "answers_empty.json": text(json.dumps([GOOD | {"output": ""}] * 3)),
    "answers_placeholder.json": text(json.dumps([GOOD | {"output": "暂缺。"}] * 3)),
    "deep.json": b"[" * 2000 + b"]" * 2000,
}
# Files of which something can be used: what cannot is rejected with a reason, and every row is counted.
COUNTED = {
    "nan.json": text(f'[{LINE}, {{"instruction": "a", "input": NaN, "output": NaN}}]'),
    "infinity.json": text(f'[{LINE}, {{"instruction": "a", "input": "b", "output": Infinity}}]'),
    "nested_output.json": text(f'[{LINE}, {{"instruction": "a", "input": "b", "output": {{"c": 1}}}}]'),
    "list_output.json": text(f'[{LINE}, {OTHER}, {{"instruction": "a", "input": "b", "output": ["c"]}}]'),
    "mixed_types.json": text(f'[{LINE}, 3, null, "text", [], {{"instruction": 5, "input": true, "output": 7.0}}]'),
    "trailing_comma.json": text(f"[{LINE}, {OTHER},\n]"),
    "marked_lines.jsonl": text(f"\ufeff{LINE}\n\ufeff{OTHER}\n"),
    "unnamed_columns.csv": text("title,ask,answer,,\na,b,c,,\n"),
    "duplicate_keys.json": text(f'[{LINE}, {{"instruction": "a", "input": "b", "output": "c", "output": "d"}}]'),
    "lone_surrogate.json": text(f'[{LINE}, {{"instruction": "\\ud83d", "input": "b", "output": "c"}}]'),
    "nul.json": text(f'[{LINE}, {{"instruction": "a\\u0000b", "input": "b", "output": "c"}}]'),
    "control_tokens.json": text(f'[{LINE}, {{"instruction": "<|im_end|>", "input": "b", "output": "<|im_start|>"}}]'),
    "one_behind_another.json": text(LINE + OTHER),
    "two_a_line.jsonl": text(f"{LINE} {OTHER}\n{LINE}{OTHER}\n"),
    "wrapped.json": text(f'{{"version": 1, "data": [{LINE}, {OTHER}]}}'),
    "broken_line.jsonl": text(f"{LINE}\n{LINE[:30]}\n\n{OTHER}\n"),
    "cut_line.jsonl": text(f"{LINE}\n{OTHER}\n{LINE[:30]}"),
    "utf32.json": f"[{LINE}, {OTHER}]".encode("utf-32"),
    "lines_named.json": text(f"{LINE}\n{OTHER}\n"),
    "crlf.jsonl": text(f"{LINE}\r\n{OTHER}\r\n"),
    "long_line.jsonl": text(LINE + "\n" + json.dumps(GOOD | {"input": "长" * 3_500_000}, ensure_ascii=False) + "\n"),
    "trailing_comma_row.csv": text("title,ask,answer\na,b,c\na,b,c,\nd,e\n\n"),
    "tabs_named.csv": text("title\task\tanswer\na,1\tb\tc\n"),
    "semicolons.csv": text("title;ask;answer\na;1,5;c\n"),
    "bom.csv": b"\xef\xbb\xbf" + text("title,ask,answer\na,b,c\n"),
    "utf16.csv": "title,ask,answer\n标题,问,答\n".encode("utf-16"),
    "numbers.xlsx": workbook(["原始词", "标准词"], [1, 2.0], [None, "x"], ["y", None]),
    "workbook_named.csv": workbook(["原始词", "标准词"], ["a", "b"]),
    "zipped.zip": zipped(readme_dot_md=b"no data", data__rows_dot_json=text(f"[{LINE}]")),
    "gzipped.jsonl.gz": gzip.compress(text(f"{LINE}\n{OTHER}\n")),
    "lone_surrogate_kept.jsonl": text(f'{LINE}\n{{"instruction": "\\ud83d", "input": "b", "output": "c"}}\n'),
    "mojibake.json": text(json.dumps([GOOD, {key: value.encode().decode("latin-1") for key, value in GOOD.items()}])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_a_usable_row_is_refused_by_name_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(REFUSED[name])
    with pytest.raises(UserError) as caught:
        build({"d": DatasetSpec(source=str(tmp_path / name))}, tmp_path / "out")
    assert name in str(caught.value)
    assert caught.value.fix
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", COUNTED)
def test_what_can_be_used_is_used_and_the_rest_is_counted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(COUNTED[name])
    counts = build({"d": DatasetSpec(source=str(tmp_path / name), test=0)}, tmp_path / "out")[0].counts
    assert counts.train > 0
    assert counts.read == counts.accounted
    rejects = (tmp_path / "out/d.rejects.jsonl").read_bytes()
    assert rejects.count(b"\n") == counts.rejects.total()


@pytest.mark.parametrize(("end", "warnings"), [("", 1), ("\n", 0), ('"', 0)])
def test_a_table_that_ends_amid_a_line_is_told_of(tmp_path: Path, end: str, warnings: int) -> None:
    last = '"d"' if end == '"' else "d" + end
    (tmp_path / "rows.csv").write_text(f"title,ask,answer\na,b,c\nx,y,{last}", encoding="utf-8")
    card = build({"d": DatasetSpec(source=str(tmp_path / "rows.csv"), test=0)}, tmp_path / "out")[0]
    assert len(card.warnings) == warnings
    assert all("rows.csv ends without a line break" in warning for warning in card.warnings)


def test_what_is_left_unread_is_told_of(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    for sheet in (book.active, book.create_sheet("second"), book.create_sheet("blank")):
        for row in [] if sheet.title == "blank" else [["原始词", "标准词"], ["a", "b"]]:
            sheet.append(row)
    (tmp_path / "raw").mkdir()
    book.save(tmp_path / "raw/rows.xlsx")
    for name in ("more.jsonl.zst", "notes.docx", "~$rows.xlsx", ".DS_Store", "README.md"):
        (tmp_path / "raw" / name).write_bytes(b"\0")
    card = build({"d": DatasetSpec(source=str(tmp_path / "raw"), test=0)}, tmp_path / "out")[0]
    sheets, *files = card.warnings
    assert "rows.xlsx has more sheets, of which nothing is read: second (" in sheets
    assert ["more.jsonl.zst is not read" in files[0], "notes.docx is not read" in files[1], len(files)] == [
        True,
        True,
        2,
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_encoding_that_shows_late_is_told_all_the_same(tmp_path: Path, workers: int) -> None:
    rows = [json.dumps(GOOD | {"input": f"day {number} " + "x" * 2000, "instruction": "a"}) for number in range(900)]
    (tmp_path / "rows.jsonl").write_bytes("\n".join([*rows, LINE, OTHER]).encode("gb18030"))
    (tmp_path / "cut.jsonl").write_bytes("\n".join([*rows, LINE]).encode("utf-8") + b"\xe5\n\xff\xff\xff")
    spec = {"source": str(tmp_path / "rows.jsonl"), "test": 0, "deduplicate": False, "leaks": False}
    card = build({"d": DatasetSpec(**spec)}, tmp_path / "out", workers=workers)[0]
    assert (card.encoding, card.counts.train) == ("gb18030", 902)
    assert "头痛怎么办" in (tmp_path / "out/d_train.jsonl").read_text(encoding="utf-8")
    with pytest.raises(UserError, match="neither UTF-8 nor GB18030"):
        build({"d": DatasetSpec(**spec | {"source": str(tmp_path / "cut.jsonl")})}, tmp_path / "out", workers=workers)


def test_there_are_enough_of_them() -> None:
    assert len(REFUSED) + len(COUNTED) >= 40
