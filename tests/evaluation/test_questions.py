"""The questions a model is asked are the test rows of a dataset, without their last answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset import build, load_spec
from lf_wrap.errors import UserError
from lf_wrap.evaluation import questions, task_of


@pytest.fixture
def dataset_dir(workspace: Path) -> Path:
    """The demo datasets, built."""
    folder = workspace / "dataset_info"
    build(load_spec(folder / "demo.yaml"), folder)
    return folder


def write(folder: Path, rows: list[Any], **entry: Any) -> None:
    """Registers `rows` as the dataset `theirs`, as someone else might have."""
    (folder / "theirs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "dataset_info.json").write_text(json.dumps({"theirs": {"file_name": "theirs.jsonl", **entry}}))


def test_a_question_is_the_row_without_its_answer(tmp_path: Path) -> None:
    write(tmp_path, [{"instruction": "胃癌", "input": "根治术", "output": "胃癌根治术"}])
    (asked,) = questions(tmp_path, "theirs")
    assert (asked.row, asked.references) == (1, ("胃癌根治术",))
    assert asked.messages == [{"role": "user", "content": "胃癌\n根治术"}]


def test_only_the_last_answer_of_a_chat_is_asked_for(tmp_path: Path) -> None:
    said = [("system", "be brief"), ("human", "hello"), ("gpt", "hi"), ("human", "bye"), ("gpt", "see you")]
    row = {"conversations": [{"from": who, "value": text} for who, text in said]}
    write(tmp_path, [row], formatting="sharegpt", columns={"messages": "conversations"})
    (asked,) = questions(tmp_path, "theirs")
    assert [message["role"] for message in asked.messages] == ["system", "user", "assistant", "user"]
    assert [message["content"] for message in asked.messages] == ["be brief", "hello", "hi", "bye"]
    assert asked.reference == "see you"


@pytest.mark.parametrize(("limit", "rows"), [(None, 40), (5, 5), (40, 40), (1000, 40)])
def test_the_first_rows_are_asked_up_to_the_limit(dataset_dir: Path, limit: int | None, rows: int) -> None:
    asked = questions(dataset_dir, "demo_norm_test", limit)
    assert [question.row for question in asked] == list(range(1, rows + 1))
    assert asked == questions(dataset_dir, "demo_norm_test")[:rows]


@pytest.mark.parametrize("name", ["demo_norm", "demo_dialogue", "demo_report", "demo_table", "demo_roleplay"])
def test_every_question_ends_with_the_user_and_has_an_answer(dataset_dir: Path, name: str) -> None:
    for question in questions(dataset_dir, f"{name}_test"):
        assert question.messages[-1]["role"] == "user"
        assert question.reference.strip()


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("demo_norm", "normalization"),
        ("demo_report", "report"),
        ("demo_dialogue", "open"),
        ("demo_roleplay", "roleplay"),
        ("theirs", "open"),
    ],
)
def test_a_dataset_is_scored_as_its_source_says(dataset_dir: Path, name: str, task: str) -> None:
    assert task_of(dataset_dir, name) == task


def test_an_unregistered_dataset_is_named_with_the_nearest(dataset_dir: Path) -> None:
    with pytest.raises(UserError, match="'demo_nrm_test' is not registered") as error:
        questions(dataset_dir, "demo_nrm_test")
    assert error.value.fix == "did you mean 'demo_norm_test'?"


def test_a_broken_row_is_named_by_its_number(tmp_path: Path) -> None:
    write(tmp_path, [{"instruction": "a", "output": "b"}, {"instruction": "c"}])
    with pytest.raises(UserError) as error:
        questions(tmp_path, "theirs")
    assert error.value.where == "row 2"


def test_rows_that_ask_the_same_are_one_question_with_several_references(tmp_path: Path) -> None:
    said = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "1")]
    write(tmp_path, [{"instruction": asked, "output": answer} for asked, answer in said])
    assert [(one.row, one.references) for one in questions(tmp_path, "theirs")] == [(1, ("1", "3")), (2, ("2",))]


@pytest.mark.parametrize("answer", ["", "  \n"])
def test_a_row_without_an_answer_to_compare_with_is_named(tmp_path: Path, answer: str) -> None:
    write(tmp_path, [{"instruction": "a", "output": "b"}, {"instruction": "c", "output": answer}])
    with pytest.raises(UserError, match="no answer to compare with") as error:
        questions(tmp_path, "theirs")
    assert error.value.where == "row 2"


def test_a_dataset_without_rows_cannot_be_asked_about(tmp_path: Path) -> None:
    write(tmp_path, [])
    with pytest.raises(UserError, match="has no rows to ask about"):
        questions(tmp_path, "theirs")
