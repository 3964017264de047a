"""Rows whose fields go out as the JSON they came in: the same lines and numbers as by the ordinary way, always."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lf_wrap.dataset import convert as way
from lf_wrap.dataset.carry import carry
from lf_wrap.dataset.convert import Converted, Steps, convert
from lf_wrap.errors import UserError
from lf_wrap.sources import NotWholeRowsError, Part, RawFile, Source, open_rows, source_named
from tests.conftest import SAMPLE

CARRYING = ("alpaca", "medical_dialogue", "qa_pair", "promptcblue")
SIMPLE = {"instruction": "头痛", "input": "三天\n“了”", "output": 'a "quoted" \\ answer', "history": None}
OFF: dict[str, Any] = {"repair": False, "clean": False, "thoughts": "keep", "special_tokens": "keep"}
OFF |= {"compare": False, "near": False}

texts = st.text(st.sampled_from('头痛“《 \u3000\n\t"\\/u{}%\u007f\u0085\U0001f600a'), max_size=6)
values = texts | st.none() | st.integers(0, 9) | st.floats() | st.lists(texts, max_size=2) | st.just("<\ud800>")
keys = ("instruction", "instruct", "input", "output", "history", "system", "question", "query", "answer", "target", "x")
keys += ("Instruction", "Answer", "SYSTEM", "Complex_CoT", "reasoning_content", "response", "context")
rows = st.lists(st.dictionaries(st.sampled_from(keys), texts | values) | st.just(SIMPLE) | values, max_size=9)


def without_steps(source: Source) -> Steps:
    return Steps(source, **OFF)


def parts_of(raw: RawFile) -> list[Part]:
    return raw.ranges(200) or list(raw.batches(5))


def told(converted: Converted) -> dict[str, Any]:
    """All that a conversion gives, as values that can be compared."""
    found = {one.name: getattr(converted, one.name) for one in fields(converted)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def both_ways(part: Part, steps: Steps) -> tuple[Any, Any]:
    """What carrying and what the ordinary way give; an error counts as what it is."""

    def result(take: Any) -> Any:
        try:
            return told(take())
        except NotWholeRowsError:
            return NotWholeRowsError

    return result(lambda: convert(part, steps)), result(lambda: way._taken(part.rows(), steps))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, ascii_only=st.booleans(), lines=st.booleans(), name=st.sampled_from(CARRYING), prompted=st.booleans())
def test_any_rows_come_out_the_same(
    tmp_path: Path, rows: list[Any], ascii_only: bool, lines: bool, name: str, prompted: bool
) -> None:
    dumped = [json.dumps(row, ensure_ascii=ascii_only or "\\ud800" in json.dumps(row)) for row in [SIMPLE, *rows]]
    path = tmp_path / "rows"
    path.write_text("\n".join(dumped) + "\n" if lines else f"[{', '.join(dumped)}]", encoding="utf-8")
    kind = source_named(name)
    steps = without_steps(kind('100 % of {input}:\n"{instruction}"') if prompted and kind.prompt_fields else kind())
    for part in parts_of(RawFile(path, "json", "utf-8", "rows")):
        carried, ordinary = both_ways(part, steps)
        assert carried == ordinary


@pytest.mark.parametrize(
    "content",
    [
        'ROW{"instruction": "c", "output": "d"}\n{"instruction":\n"e", "output": "f"}\n',
        'ROW, {"instruction": "c", "output": "d"}\n{"x": [1\n2]}\n',
        "\nROW\nROW\n",
        'ROW\n\n{"instruction": "c", "output": ""}\r\n\n{"instruction": 1, "output": 2}',
        '[{"instruction": "a", "instruction": "b", "output": "c", "\\u006futput": "d"}]',
        '[{"instruction": "a", "output": "b\\/c"}, {"instruction": "\\u5934", "output": "\\u0004"}]',
        '[{"instruction": "a", "output": "\\\\\\\\u0041\\\\/"}, {"instruction": "\\\\\\n", "output": "\\\\"}]',
        '[{"instruction": "a", "output": "b", "x": NaN}, {"instruction": "a", "output": NaN}]',
        '[{"instruction": "a", "output": "b", "x": "\\ud800"}]',
        '[{"instruction": "a", "output": "b", "history": [], "system": ""}, {"input": [], "output": 1}]',
        '[{"instruction": "\\n\\t", "output": "b"}, {"instruction": "\u3000", "output": "b"}, ["a"]]',
        '[{"instruction": "a", "output": "b"',
        "[]",
    ],
)
def test_odd_json_comes_out_the_same(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rows"
    path.write_text(content.replace("ROW", '{"instruction": "a", "output": "b"}'), encoding="utf-8")
    whole = Part(RawFile(path, "json", "utf-8", "rows"), span=(0, path.stat().st_size))
    if content.startswith("["):
        whole = Part(whole.raw, span=(1, path.stat().st_size))
    carried, ordinary = both_ways(whole, without_steps(source_named("alpaca")()))
    assert carried == ordinary


changes = st.tuples(
    st.integers(0, 400), st.sampled_from([*list('{}[]:,"\\\n\r \x01\x00nu/x0'), "", '"}, {"', "\\u0041", "}\n{"])
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.booleans(),
    changed=st.lists(changes, max_size=3),
    over=st.booleans(),
    row=st.sampled_from([SIMPLE, {"x": 1, **SIMPLE}, {**SIMPLE, "history": []}, {"output": "b", "instruction": "a"}]),
)
def test_rows_that_are_alike_but_for_a_few_bytes_come_out_the_same(
    tmp_path: Path, lines: bool, changed: list[tuple[int, str]], over: bool, row: dict[str, Any]
) -> None:
    """Bytes put in, taken out or written over anywhere: between texts, in texts, at the ends."""
    written = [json.dumps(row | {"output": f"answer {number}"}) for number in range(4)]
    content = "\n".join(written) + "\n" if lines else f"[{', '.join(written)}]"
    for at, what in changed:
        place = at % (len(content) + 1)
        content = content[:place] + what + content[place + (over or not what) :]
    path = tmp_path / "rows"
    path.write_text(content, encoding="utf-8")
    begin = int(content.startswith("["))
    if not content.strip():
        return
    part = Part(RawFile(path, "json", "utf-8", "rows"), span=(begin, len(content.encode("utf-8"))))
    carried, ordinary = both_ways(part, without_steps(source_named("alpaca")()))
    assert carried == ordinary


@pytest.mark.parametrize("name", ["alpaca", "medical_dialogue"])
@pytest.mark.parametrize("lines", [False, True])
def test_simple_rows_are_carried(tmp_path: Path, name: str, lines: bool) -> None:
    dumped = [json.dumps(SIMPLE, ensure_ascii=False)] * 3
    path = tmp_path / "rows"
    path.write_text("\n".join(dumped) if lines else f"[{','.join(dumped)}]", encoding="utf-8")
    source = source_named(name)()
    carried = [carry(part, source) for part in parts_of(RawFile(path, "json", "utf-8", "rows"))]
    assert all(one is not None and one.sizes.all() for one in carried)


def test_real_files_come_out_the_same(real_data: Path) -> None:
    files = [file for folder in (SAMPLE, real_data) for file in sorted(folder.rglob("*.json*")) if file.is_file()]
    carried = 0
    for file in files:
        try:
            raw = open_rows(file)
        except UserError:
            continue
        for name in CARRYING:
            steps = without_steps(source_named(name)())
            for part in (raw.ranges(1 << 17) or list(raw.batches(200)))[:3]:
                by_bytes, ordinary = both_ways(part, steps)
                assert by_bytes == ordinary, file
                some = carry(part, steps.source)
                carried += np.count_nonzero(some.sizes) if some else 0
    assert carried > 100
