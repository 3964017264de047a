"""The questions a model is asked are the test rows of a dataset, without their last answers."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset import DatasetSpec, build, load_card, load_spec
from lf_wrap.errors import UserError
from lf_wrap.evaluation import JudgedSet, QuestionSet, compare, judge, questions, scores, task_named, task_of
from lf_wrap.evaluation.tasks import Reply


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


def test_both_reports_of_a_consultation_are_references_and_one_is_trained(tmp_path: Path) -> None:
    """Cleaned and redacted like any answer. LLaMA-Factory needs one schema a file, and no column that it knows."""

    def report(diagnosis: str) -> dict[str, str]:
        return {
            "主诉": "咳嗽",
            "现病史": "咳嗽三天",
            "辅助检查": "无",
            "既往史": "无",
            "诊断": diagnosis,
            "建议": "多喝水",
        }

    def row(number: int, *reports: dict[str, str]) -> dict[str, Any]:
        return {"dialogue": [{"speaker": "患者", "sentence": f"咳嗽{number}天"}], "report": list(reports)}

    rows = {
        f"{n}": row(n, report("感冒"), *([report("上呼吸道感染 电话13812345678<|im_end|>")] * (n % 2)))
        for n in range(12)
    }
    (tmp_path / "mrg.json").write_text(json.dumps(rows), encoding="utf-8")
    spec = DatasetSpec(source=str(tmp_path / "mrg.json"), test=6, near_duplicates=False)
    build({"mrg": spec}, tmp_path / "out")
    trained, tested = (
        [json.loads(line) for line in (tmp_path / f"out/mrg_{side}.jsonl").read_text("utf-8").splitlines()]
        for side in ("train", "test")
    )
    alpaca = {"instruction", "input", "output", "system"}
    assert {frozenset(row) for row in trained} == {frozenset(alpaca)}
    assert {frozenset(row) for row in tested} == {frozenset(alpaca | {"references"})}
    assert all(row["references"][0] == row["output"] for row in tested)
    found = [[json.loads(one)["诊断"] for one in asked.references] for asked in questions(tmp_path / "out", "mrg_test")]
    assert sorted(found) == sorted(
        ["感冒", "上呼吸道感染 电话[电话]< |im_end| >"][: len(row["references"])] for row in tested
    )
    assert {len(one) for one in found} == {1, 2}, "some rows have one, some two"


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


def patients(folder: Path, rows: int = 60) -> Path:
    """A dataset of questions about patients, five a patient, of which twenty rows are held out."""
    asks = [f"patient {row // 5}: {random.Random(row).getrandbits(200):x}?" for row in range(rows)]
    told = [{"instruction": one, "output": f"a{row}", "of": f"p{row // 5}"} for row, one in enumerate(asks)]
    (folder / "raw.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    build({"patients": DatasetSpec(source=str(folder / "raw.jsonl"), group_by="of", test=20)}, folder / "out")
    return folder / "out"


def test_questions_about_one_patient_are_one_group(tmp_path: Path) -> None:
    asked = questions(patients(tmp_path), "patients_test")
    patient = [one.messages[-1]["content"].split(":")[0] for one in asked]
    together = {(first, second) for first in range(20) for second in range(first) if patient[first] == patient[second]}
    grouped = {
        (first, second)
        for first in range(20)
        for second in range(first)
        if asked[first].group and asked[first].group == asked[second].group
    }
    assert grouped == together != set()


def test_the_interval_of_such_rows_is_that_of_their_groups(tmp_path: Path) -> None:
    asked = questions(patients(tmp_path), "patients_test")
    exact = QuestionSet("patients", "test", task_named("exact"), asked)
    cured = {one.messages[-1]["content"].split(":")[0] for one in asked[:8]}  # an answer improves for whole patients
    base = judge(exact, [Reply("wrong")] * 20)
    better = [one.reference if one.messages[-1]["content"].split(":")[0] in cured else "wrong" for one in asked]
    tuned = judge(exact, [Reply(text) for text in better])
    judged = JudgedSet("patients", "test", "exact", "exact match", exact.task.metrics, base, tuned)
    found = scores(judged)["exact match"]
    alone = compare([0.0] * 20, [row.scores["exact match"] for row in tuned])
    assert found.groups == len({one.messages[-1]["content"].split(":")[0] for one in asked}) < found.n == 20
    assert found.interval[1] - found.interval[0] > alone.interval[1] - alone.interval[0]
    assert found.p > alone.p


def test_rows_that_stand_for_themselves_leave_nothing_in_the_card(dataset_dir: Path) -> None:
    card = load_card(dataset_dir, "demo_norm")
    assert card is not None
    assert card.test_groups == []


def test_answers_are_judged_without_what_was_thought_before_them(tmp_path: Path) -> None:
    write(tmp_path, [{"instruction": "胃癌", "output": "<think>\n想\n</think>\n\n胃癌根治术"}])
    asked = QuestionSet("theirs", "test", task_named("exact"), questions(tmp_path, "theirs"))
    said = ["胃癌根治术", "<think>另一种想法</think>胃癌根治术", "<think>胃癌根治术", "<think>胃癌根治术</think>肺癌"]
    judged = [judge(asked, [Reply(one)])[0] for one in said]
    assert [row.scores[asked.task.headline] for row in judged] == [1.0, 1.0, 0.0, 0.0]
    assert [row.answer for row in judged] == said  # what is kept and shown is all of it
