"""`lfw build-data`, from the outside: files in, registered datasets out, every row accounted for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLE, Lfw

ROW = {"instruction": "标题", "input": "描述", "output": "回答", "history": None}


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return path


def numbered(count: int) -> list[dict[str, Any]]:
    return [ROW | {"instruction": f"标题{number}"} for number in range(count)]


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def balanced(told: dict[str, Any]) -> bool:
    parts = ("train", "test", "duplicates", "near_duplicates", "leaks", "not_sampled", "expanded")
    return told["read"] == sum(told[part] for part in parts) + sum(told["rejects"].values())


def test_a_spec_builds_and_registers_all_its_datasets(lfw: Lfw, workspace: Path) -> None:
    ran = lfw("build-data", "dataset_info/demo.yaml", "--json", cwd=workspace)
    assert ran.code == 0, ran.err
    assert all(map(balanced, ran.json["datasets"]))
    assert "180 read = 140 train + 40 test" in ran.err
    entries = json.loads((workspace / "dataset_info/dataset_info.json").read_text(encoding="ascii"))
    assert len(entries) == 10
    for entry in entries.values():
        assert len(entry["tags"]) == 7
        assert (workspace / "dataset_info" / entry["file_name"]).is_file()
    assert entries["demo_norm"]["formatting"] == "alpaca"
    assert entries["demo_roleplay"]["formatting"] == "sharegpt"
    first = lines(workspace / "dataset_info/demo_roleplay_train.jsonl")[0]
    assert set(first) == {"conversations", "system"}
    assert [said["from"] for said in first["conversations"][:2]] == ["human", "gpt"]


def test_the_training_rows_are_the_ones_the_tutorials_script_picks(lfw: Lfw, tmp_path: Path) -> None:
    import random

    rows = numbered(50)
    write_rows(tmp_path / "rows.json", rows)
    ran = lfw("build-data", "rows.json", "--name", "d", "--train", 20, "--test", 5, "--json")
    assert ran.code == 0, ran.err
    random.seed(42)
    random.shuffle(rows)
    wanted = [f"主题:{row['instruction']}\n内容:描述" for row in rows]
    assert [row["instruction"] for row in lines(tmp_path / "dataset_info/d_train.jsonl")] == wanted[:20]
    assert [row["instruction"] for row in lines(tmp_path / "dataset_info/d_test.jsonl")] == wanted[20:25]
    assert ran.json["datasets"][0]["not_sampled"] == 25


def test_rows_that_cannot_train_are_kept_with_their_reasons(lfw: Lfw, tmp_path: Path) -> None:
    rows = [*numbered(30), ROW | {"output": ""}, {"instruction": "no more"}, numbered(1)[0], "text"]
    write_rows(tmp_path / "rows.json", rows)
    ran = lfw("build-data", "rows.json", "--type", "medical_dialogue", "--json")
    told = ran.json["datasets"][0]
    assert balanced(told)
    assert told["rejects"] == {"no answer": 1, "missing column": 1, "not this shape": 1}
    assert told["duplicates"] == 1
    kept = lines(tmp_path / "dataset_info/rows.rejects.jsonl")
    assert [(one["row"], one["reason"]) for one in kept] == [
        (31, "no answer"),
        (32, "missing column"),
        (34, "not this shape"),
    ]
    assert kept[1]["raw"] == {"instruction": "no more"}
    assert "rejected (no answer)" in ran.err


def test_a_question_of_the_test_rows_is_never_trained(lfw: Lfw, tmp_path: Path) -> None:
    train = [ROW | {"instruction": "A", "output": answer} for answer in "123"] + numbered(3)
    write_rows(tmp_path / "train.json", train)
    write_rows(tmp_path / "test.json", [ROW | {"instruction": "A", "output": "9"}])
    (tmp_path / "spec.yaml").write_text(
        "datasets: {d: {source: {train: train.json, test: test.json}}}", encoding="utf-8"
    )
    told = lfw("build-data", "spec.yaml", "--json").json["datasets"][0]
    assert (told["train"], told["test"], told["leaks"]) == (3, 1, 3)
    assert balanced(told)


def test_the_same_input_gives_the_same_bytes(lfw: Lfw, tmp_path: Path) -> None:
    for out in ("one", "two"):
        assert lfw("build-data", SAMPLE / "medical_table.csv", "--out", out).code == 0
    for name in (
        "medical_table_train.jsonl",
        "medical_table_test.jsonl",
        "medical_table.rejects.jsonl",
        "dataset_info.json",
    ):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_entries_of_others_stay_as_they_are(lfw: Lfw, tmp_path: Path) -> None:
    others = {"theirs": {"file_name": "x.json", "ranking": True}, "数据": {"hf_hub_url": "a/b"}}
    (tmp_path / "dataset_info").mkdir()
    register = tmp_path / "dataset_info/dataset_info.json"
    register.write_text(json.dumps(others), encoding="utf-8")
    write_rows(tmp_path / "rows.json", numbered(3))
    assert lfw("build-data", "rows.json").code == 0
    entries = json.loads(register.read_bytes())
    assert {name: entries[name] for name in others} == others
    taken = lfw("build-data", "rows.json", "--name", "theirs")
    assert taken.code == 1
    assert "something that lfw did not write" in taken.err


def test_columns_with_other_names_are_mapped_in_the_spec(lfw: Lfw, tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("科室,问,描述,答\n内科,a,b,c\n", encoding="gb18030")
    columns = "{department: 科室, title: 问, ask: 描述, answer: 答}"
    (tmp_path / "spec.yaml").write_text(f"datasets: {{d: {{source: q.csv, columns: {columns}}}}}", encoding="utf-8")
    assert lfw("build-data", "spec.yaml").code == 0
    assert lines(tmp_path / "dataset_info/d_train.jsonl")[0]["output"] == "c"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.json", "[]", "cannot tell what kind of data"),
        ("rows.json", '[{"a": 1}]', "its rows have: a"),
        ("rows.json", '[{"instruction": "a", "input": "", "output": ""}]', "1 rejected (no answer)"),
        ("rows.json", '[{"instruction": "a", "input": "", "output": "b"}, {"instr', "after row 1"),
        ("spec.yaml", "datasets: {d: {sauce: x.csv}}", "did you mean 'source'?"),
        ("spec.yaml", "datasets: {d: {source: none.csv, get: buy it}}", "get it first: buy it"),
        ("spec.yaml", "datasets: {d: {source: ../../etc/passwd}}", "leaves the spec's folder"),
        ("spec.yaml", "datasets: {../d: {source: x.csv}}", "is no sound name"),
        ("spec.yaml", "datasets: {d: {source: x.csv, train: many}}", "datasets.d.train"),
        ("spec.yaml", "datasets: [", "is not YAML"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    lfw: Lfw, tmp_path: Path, name: str, content: str, says: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    ran = lfw("build-data", name)
    assert ran.code == 1
    assert says in ran.err
    assert "fix:" in ran.err
    assert "Traceback" not in ran.err
    left = [path.name for path in (tmp_path / "dataset_info").glob("*")] if (tmp_path / "dataset_info").exists() else []
    assert left == []


def test_a_link_out_of_the_specs_folder_is_refused(lfw: Lfw, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('[{"instruction": "a", "output": "b"}]', encoding="utf-8")
    (tmp_path / "given/raw").mkdir(parents=True)
    (tmp_path / "given/raw/rows.json").symlink_to(tmp_path / "secret.json")
    for name, source in (("in", "raw"), ("out", str(tmp_path / "given/raw"))):
        (tmp_path / f"given/{name}.yaml").write_text(
            f"datasets: {{d: {{source: {source}, test: 0}}}}", encoding="utf-8"
        )
    ran = lfw("build-data", "given/in.yaml")
    assert (ran.code, "rows.json is a link out of the spec's folder" in ran.err) == (1, True)
    assert lfw("build-data", "given/out.yaml").code == 0, "absolute paths are taken as they are"


def test_an_entry_that_describes_nothing_is_named(lfw: Lfw, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('[{"instruction": "a", "output": "b"}]', encoding="utf-8")
    (tmp_path / "dataset_info").mkdir()
    (tmp_path / "dataset_info/dataset_info.json").write_text('{"theirs": 3}', encoding="utf-8")
    ran = lfw("build-data", "rows.json", "--test", "0")
    assert ran.code == 1
    assert "describes a dataset by 3" in ran.err
    assert "theirs" in ran.err
