"""What holds for every input: rows add up, the same input gives the same bytes, our own output builds to itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lf_wrap.dataset import DatasetSpec, build
from lf_wrap.errors import UserError
from tests.conftest import SAMPLE

SOURCES = sorted(SAMPLE.iterdir())
words = st.text(st.sampled_from("头痛咳嗽三天ab 1\n<|im_end|>\u0004\u200b（空）"), max_size=30)
value = words | st.none() | st.integers(0, 9) | st.floats() | st.lists(words, max_size=2)
rows = st.lists(
    st.fixed_dictionaries({}, optional={"instruction": value, "input": value, "output": value, "history": value})
    | words,
    min_size=1,
    max_size=25,
)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.jsonl"))}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, test=st.none() | st.integers(0, 4), train=st.none() | st.integers(0, 9))
def test_every_row_read_is_accounted_for(tmp_path: Path, rows: list[Any], test: int | None, train: int | None) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    spec = DatasetSpec(source=str(tmp_path / "rows.json"), type="alpaca", test=test, train=train)
    try:
        counts = build({"d": spec}, tmp_path / "out")[0].counts
    except UserError as error:
        assert "left to train on" in str(error)  # noqa: PT017  (which error it is, is the point)
        return
    assert counts.read == counts.accounted == len(rows)
    written = files_of(tmp_path / "out")
    assert written["d_train.jsonl"].count(b"\n") == counts.train
    assert written.get("d_test.jsonl", b"").count(b"\n") == counts.test
    assert written["d.rejects.jsonl"].count(b"\n") == counts.rejects.total()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_building_our_own_output_changes_nothing(tmp_path: Path, source: Path) -> None:
    build({"d": DatasetSpec(source=str(source), test=0)}, tmp_path / "one")
    again = DatasetSpec(source=str(tmp_path / "one/d_train.jsonl"), test=0, shuffle=False)
    build({"d": again}, tmp_path / "two")
    assert files_of(tmp_path / "one")["d_train.jsonl"] == files_of(tmp_path / "two")["d_train.jsonl"]


@pytest.mark.parametrize("shape", ["array", "lines", "csv"])
def test_the_number_of_workers_does_not_show(tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[build.__module__], "PART_BYTES", 2000)
    monkeypatch.setattr(sys.modules[build.__module__], "PART_ROWS", 30)
    made = [{"title": f"题{n}", "ask": "问，" * (n % 7), "answer": f"答{n % 50}" if n % 11 else ""} for n in range(400)]
    source = tmp_path / f"rows.{shape}"
    if shape == "csv":
        source.write_text(
            "title,ask,answer\n" + "".join(f"{r['title']},{r['ask']},{r['answer']}\n" for r in made), "utf-8"
        )
    elif shape == "array":
        source.write_text(json.dumps(made, ensure_ascii=False, indent=1), "utf-8")
    else:
        source.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in made) + "\n{broken\n", "utf-8")
    for workers in (1, 3):
        build({"d": DatasetSpec(source=str(source))}, tmp_path / str(workers), workers=workers)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "3")
    rejects = [json.loads(line) for line in files_of(tmp_path / "1")["d.rejects.jsonl"].splitlines()]
    numbers = [one["row"] for one in rejects]
    first = 1 + (shape == "csv")
    assert numbers[: len(range(0, 400, 11))] == [number + first for number in range(0, 400, 11)]
    assert shape != "lines" or numbers[-1] == 401


def test_a_nested_array_that_cannot_be_cut_by_bytes_is_read_as_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[build.__module__], "PART_BYTES", 500)
    chats = [
        {
            "conversations": [{"from": "human", "value": f"问{n}"}, {"from": "gpt", "value": "答"}],
            "x": [{"conversations": n}],
        }
        for n in range(200)
    ]
    source = tmp_path / "chats.json"
    source.write_text(json.dumps(chats, ensure_ascii=False), "utf-8")
    counts = build({"d": DatasetSpec(source=str(source), test=0)}, tmp_path / "out", workers=2)[0].counts
    assert (counts.read, counts.train) == (200, 200)
