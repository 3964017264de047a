"""Huatuo's encyclopedia and knowledge graph, in their true shapes."""

from __future__ import annotations

from typing import Any

import pytest

from lf_wrap.conversation import Conversation, Reject, Turn
from lf_wrap.sources import all_sources, source_named


def single(question: str, answer: str, group: str) -> Conversation:
    return Conversation((Turn("user", question), Turn("assistant", answer)), group=group)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"questions": ["怎么治？"], "answers": ["多休息。"]}, single("怎么治？", "多休息。", "怎么治？")),
        (
            {"questions": [["用法用量", "怎么吃？"]], "answers": ["一日三次。", ""]},
            [single("用法用量", "一日三次。", "用法用量"), single("怎么吃？", "一日三次。", "用法用量")],
        ),
    ],
)
def test_every_wording_is_asked_and_all_stay_on_one_side(row: dict[str, Any], expected: Any) -> None:
    assert next(source for source in all_sources() if source.fits(row)).name == "question_list"
    assert source_named("question_list")().read(row) == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"questions": ["a"], "answers": []}, "no answer"),
        ({"questions": [[""]], "answers": ["b"]}, "no question"),
        ({"questions": [{"text": "a"}], "answers": ["b"]}, "not this shape"),
        ({"questions": "a", "answers": ["b"]}, "not this shape"),
        ({"questions": 7, "answers": ["b"]}, "not this shape"),
    ],
)
def test_a_row_that_cannot_train_says_why(row: dict[str, Any], reason: str) -> None:
    result = source_named("question_list")().read(row)
    assert isinstance(result, Reject)
    assert result.reason == reason
