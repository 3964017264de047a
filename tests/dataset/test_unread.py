"""Columns from which nothing comes are named; one that makes a difference to any row is not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lf_wrap.dataset.convert import Steps, reader
from lf_wrap.dataset.unread import unread_columns
from lf_wrap.sources import source_named


def unread(name: str, *rows: Any, **steps: Any) -> list[str]:
    return unread_columns(rows, reader(Steps(source_named(name)(), **steps), Counter(), Counter()))


def test_what_makes_no_difference_is_named_in_the_files_order() -> None:
    row = {"id": 7, "question": "发烧怎么办？", "answer": "多喝水。", "department": "儿科", "score": 0.5}
    assert unread("qa_pair", row) == ["id", "department", "score"]


def test_columns_with_nothing_in_them_are_no_loss() -> None:
    assert unread("qa_pair", {"question": "q", "answer": "a", "x": None, "y": "", "z": [], "n": float("nan")}) == []


def test_keys_of_messages_are_named_with_their_column() -> None:
    messages = [{"role": "user", "content": "hi", "id": 1}, {"role": "assistant", "content": "Hello!", "tokens": 3}]
    assert unread("openai", {"messages": messages, "source": "web"}) == ["messages.id", "messages.tokens", "source"]


def test_of_a_column_that_is_not_read_no_keys_are_named() -> None:
    assert unread("qa_pair", {"question": "q", "answer": "a", "meta": {"by": "me", "at": 3}}) == ["meta"]


def test_of_two_columns_that_say_the_same_one_is_read() -> None:
    row = {"question": "q", "options": {"A": "x", "B": "y"}, "answer": "y", "answer_idx": "B"}
    assert unread("multiple_choice", row) == ["answer"]


def test_one_row_in_which_it_counts_is_enough() -> None:
    rows = [{"instruction": f"问{n}", "output": "答", "system": "医生" if n == 3 else ""} for n in range(5)]
    assert unread("alpaca", *rows) == []


@pytest.mark.parametrize("steps", [{"group_by": "patient"}, {"columns": {"patient": "system"}}])
def test_what_the_spec_uses_is_read(steps: dict[str, Any]) -> None:
    assert unread("alpaca", {"instruction": "问", "output": "答", "patient": "p1"}, **steps) == []


def test_rows_that_give_nothing_tell_nothing() -> None:
    assert unread("alpaca", {"instruction": "问", "output": "", "x": 1}, "no row", None) == []


def test_names_are_safe_to_print_and_not_without_end() -> None:
    row = {"instruction": "问", "output": "答", "a\x1b[31m\u202e": 1, "k" * 99: 2}
    assert unread("alpaca", row) == ["a\\x1b[31m\\u202e", "k" * 60]
    assert len(unread("alpaca", row | {f"id {n}": "x" for n in range(5000)})) < 100
