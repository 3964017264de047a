"""Chinese-medical-dialogue: which rows are taken for it, and how earlier turns come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.sources import open_rows, recognise, source_named

ROW = {"instruction": "感冒怎么办", "input": "我感冒了", "output": "多喝水。", "history": None}
EARLIER = (Turn("user", "你好"), Turn("assistant", "请讲"))
MESSAGES = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "请讲"}]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (ROW, "medical_dialogue"),
        (ROW | {"history": []}, "medical_dialogue"),
        (ROW | {"history": ""}, "medical_dialogue"),
        (ROW | {"history": float("nan")}, "medical_dialogue"),
        (ROW | {"input": " "}, "alpaca"),
        (ROW | {"history": [["你好", "请讲"]]}, "alpaca"),
        ({key: value for key, value in ROW.items() if key != "history"}, "alpaca"),
    ],
)
def test_only_rows_with_a_description_and_an_empty_history_are_taken_for_it(
    tmp_path: Path, row: dict[str, Any], name: str
) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([row]), encoding="utf-8")
    assert recognise(open_rows(tmp_path / "rows.json")).name == name


@pytest.mark.parametrize("history", [[["你好", "请讲"]], MESSAGES])
def test_earlier_turns_come_first_and_are_compared_too(history: list[Any]) -> None:
    prompt = "主题:感冒怎么办\n内容:我感冒了"
    assert source_named("medical_dialogue")().read(ROW | {"history": history}) == Conversation(
        (*EARLIER, Turn("user", prompt), Turn("assistant", "多喝水。")), asked="你好\n请讲\n感冒怎么办\n我感冒了"
    )
