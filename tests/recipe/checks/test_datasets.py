"""The datasets of a recipe are there, hold rows of the right kind, and are as lfw built them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset.register import register
from tests.recipe.checks.conftest import Checked, errors, warnings

TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
CHAT = {"file_name": "chat.jsonl", "formatting": "sharegpt", "columns": {"messages": "m"}}
UNBUILT = "data.build=null"


def put(name: str, rows: list[Any] | str, entry: dict[str, Any]) -> str:
    """Registers rows of somebody else's making; gives the override that trains on them."""
    text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
    Path("dataset_info", entry["file_name"]).write_text(text, encoding="utf-8")
    register(Path("dataset_info"), {name: entry})
    return f"data.train=[{name}]"


def test_what_lfw_built_is_sound(checked: Checked) -> None:
    assert checked() == []
    assert checked(UNBUILT, "data.train=[demo_norm, demo_dialogue]", "train.eval_dataset=demo_norm_test") == []


def test_every_dataset_that_is_not_there_is_named_with_the_nearest(checked: Checked) -> None:
    problems = checked(UNBUILT, "data.train=[demo_nrm, demo_dialog]", "train.eval_dataset=demo_norm_tets")
    assert [problem.fix for problem in problems] == [
        f"did you mean {name!r}?" for name in ("demo_norm", "demo_dialogue", "demo_norm_test")
    ]


def test_datasets_that_will_be_built_need_not_be_there_yet(checked: Checked) -> None:
    for file in Path("dataset_info").glob("demo_norm*"):
        file.unlink()
    Path("dataset_info/dataset_info.json").unlink()
    assert checked() == []
    assert len(errors(checked(UNBUILT))) == 2


def test_a_raw_file_that_is_missing_is_told_before_the_build(checked: Checked) -> None:
    Path("dataset_info/raw/sample/medical_table.csv").unlink()
    (what,) = errors(checked())
    assert "medical_table.csv does not exist" in what


def test_a_changed_file_is_told_and_built_anew_only_with_a_spec(checked: Checked) -> None:
    path = Path("dataset_info/demo_norm_train.jsonl")
    path.write_bytes(path.read_bytes() + path.read_bytes()[:200].split(b"\n")[0] + b"\n")
    (warned,) = warnings(checked())
    assert "not as lfw built it" in warned
    assert "built anew" in warned
    (refused,) = errors(checked(UNBUILT))
    assert "not as lfw built it" in refused


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_dataset_without_rows_is_refused(checked: Checked, content: str) -> None:
    said = put("none", content, {"file_name": "none.jsonl"})
    assert any("holds no rows" in what for what in errors(checked(UNBUILT, said)))


def test_a_test_set_is_needed_only_where_it_is_asked(checked: Checked) -> None:
    said = put("mine", [{"instruction": "a", "input": "", "output": "b"}], {"file_name": "mine.jsonl"})
    assert errors(checked(UNBUILT, said, "evaluate.test=[]")) == []
    (what,) = errors(checked(UNBUILT, said, "evaluate.test=[demo_nrm]"))
    assert what == "dataset 'demo_nrm' has no test rows"


@pytest.mark.parametrize(
    ("entry", "level", "said"),
    [
        ({**CHAT, "tags": TAGS}, "", ""),
        ({**CHAT, "format": "sharegpt", "tags": TAGS}, "warning", "'formatting'"),
        ({**CHAT, "columns": {"messages": "m", "sytem": "s"}, "tags": TAGS}, "warning", "'system'"),
        ({**CHAT, "formatting": "sharegtp", "tags": TAGS}, "error", "'sharegpt'"),
        ({**CHAT, "tags": {"role_tag": "role", "content_tag": "content"}}, "error", "all seven tags"),
    ],
)
def test_an_entry_says_what_llamafactory_understands(
    checked: Checked, entry: dict[str, Any], level: str, said: str
) -> None:
    rows = [{"m": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
    found = checked(UNBUILT, put("chat", rows, entry))
    assert [problem.level for problem in found if said in problem.fix][:1] == ([level] if level else [])


@pytest.mark.parametrize(
    ("stage", "entry", "row", "level", "said"),
    [
        ("pt", {"columns": {"prompt": "text"}}, {"text": "words " * 99_999}, "", ""),
        ("sft", {"columns": {"prompt": "text"}}, {"text": "words"}, "error", "plain text"),
        ("pt", {}, {"instruction": "a", "input": "", "output": "b"}, "warning", "the first message"),
        ("dpo", {}, {"instruction": "a", "input": "", "output": "b"}, "error", "needs pairs"),
        ("kto", {}, {"instruction": "a", "input": "", "output": "b"}, "error", "needs a verdict"),
        (
            "sft",
            {"ranking": True, "columns": {"prompt": "q", "chosen": "c", "rejected": "r"}},
            {"q": "a", "c": "b", "r": "c"},
            "error",
            "pairs of a better and a worse",
        ),
        (
            "dpo",
            {"ranking": True, "columns": {"prompt": "q", "chosen": "c", "rejected": "r"}},
            {"q": "a", "c": "b", "r": "c"},
            "",
            "",
        ),
    ],
)
def test_a_dataset_is_of_its_stage(
    checked: Checked, stage: str, entry: dict[str, Any], row: dict[str, str], level: str, said: str
) -> None:
    trained = put("one", [row] * 3, {"file_name": "one.jsonl", **entry})
    found = checked(UNBUILT, trained, f"train.stage={stage}", "evaluate.test=[]")
    assert [problem.level for problem in found if said in problem.what][:1] == ([level] if level else [])


def test_rows_that_llamafactory_would_drop_are_counted(checked: Checked) -> None:
    user, gpt = {"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}
    rows = [{"conversations": said} for said in ([user, gpt], [user], [user, user, gpt, gpt], [gpt, user])]
    entry = {"file_name": "chat.jsonl", "formatting": "sharegpt"}
    (what,) = warnings(checked(UNBUILT, put("chat", rows, entry), "evaluate.test=[]"))
    assert what.startswith("3 of the first 4 rows of 'chat' do not alternate")
    (what,) = errors(checked(UNBUILT, put("chat", rows[1:], entry), "evaluate.test=[]"))
    assert what.startswith("3 of the first 3 rows")


def test_a_row_that_is_not_what_the_entry_says_is_named(checked: Checked) -> None:
    rows = [{"instruction": "a", "input": "", "output": "b"}, {"question": "a"}]
    (problem,) = checked(UNBUILT, put("odd", rows, {"file_name": "odd.jsonl"}), "evaluate.test=[]")
    assert "is not what dataset_info.json says" in problem.what
    assert problem.where == "row 2"


def test_a_json_array_is_read_too(checked: Checked) -> None:
    rows = json.dumps([{"instruction": "a", "input": "", "output": "b"}] * 3)
    assert checked(UNBUILT, put("array", rows, {"file_name": "array.json"}), "evaluate.test=[]") == []


def test_a_dataset_on_a_hub_is_to_be_fetched_first(checked: Checked) -> None:
    register(Path("dataset_info"), {"far": {"hf_hub_url": "someone/something"}})
    (problem,) = checked(UNBUILT, "data.train=[far]", "evaluate.test=[]")
    assert (problem.what, problem.level) == ("dataset 'far' is not a local file", "error")
    assert "lfw fetch" in problem.fix
