"""What a recipe may ask besides its test rows: probes, multiple choice, other words, rows that were trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lf_wrap.dataset import build, load_spec
from lf_wrap.errors import UserError
from lf_wrap.evaluation import Question, QuestionSet, judge, question_sets, questions, task_named
from lf_wrap.evaluation.choice import choice_questions
from lf_wrap.evaluation.judged import JudgedRow
from lf_wrap.evaluation.paraphrase import Paraphrase, reworded
from lf_wrap.evaluation.probes import PROBES, probe_questions
from lf_wrap.evaluation.tasks import Exact, Reply
from lf_wrap.recipe import Evaluate

ASKED = [
    Question(n, [{"role": "user", "content": text}], ("好",)) for n, text in enumerate(("头疼怎么办？", "Why?"), 1)
]


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_asks_short_questions_that_can_be_checked(name: str) -> None:
    asked = probe_questions(name)
    assert len(asked) == 24
    assert len({question.messages[0]["content"] for question in asked}) == 24
    contains = task_named("contains")
    for question in asked:
        for answer in question.reference.splitlines():
            assert contains.judge(Reply(f"It is {answer}, I think."), question.references).scores == {"contained": 1}
        said = question.messages[0]["content"]
        assert contains.judge(Reply(said), question.references).scores == {"contained": 0}, said


def test_a_limit_is_of_probes_too(tmp_path: Path) -> None:
    (asked,) = question_sets(Evaluate.model_validate({"probe": "general_en", "limit": 5}), tmp_path)
    assert [one.row for one in asked.questions] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "line", ["{}", '{"question": "a", "answers": []}', '{"question": "", "answers": ["b"]}', "a,b", "[1]"]
)
def test_a_probe_of_another_shape_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "mine.jsonl").write_text('{"question": "a", "answers": ["b"]}\n' + line + "\n")
    with pytest.raises(UserError, match="is not a probe") as error:
        probe_questions(str(tmp_path / "mine.jsonl"))
    assert error.value.where == "line 2"


@pytest.mark.parametrize(
    "text",
    [
        "id,question,A,B,C,answer\n0,哪个？,甲,乙,丙,B\n",
        "\ufeff,Question,A,B,C,Answer\n0,哪个？,甲,乙,丙,B\n",
        "question,A,B,C,D,answer\n哪个？,甲,乙,丙,,b\n",
    ],
    ids=["C-Eval", "CMMLU", "an empty option"],
)
def test_multiple_choice_files_are_read_as_they_come(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    (asked,) = choice_questions(tmp_path / "a.csv")
    assert asked.messages[0]["content"] == "哪个？\nA. 甲\nB. 乙\nC. 丙\n答案："
    assert (asked.references, asked.options) == (("B",), ("A", "B", "C"))


def test_mmlus_files_have_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Which?,one,two,three,four,D\n")
    (tmp_path / "b.csv").write_text("What?,one,two,three,four,A\n")
    asked = choice_questions(tmp_path)
    assert [(one.row, one.reference) for one in asked] == [(1, "D"), (2, "A")]
    assert asked[0].messages[0]["content"].endswith("D. four\nAnswer:")


@pytest.mark.parametrize("row", ["哪个？,甲,乙,丙,丁,E", ",甲,乙,丙,丁,A", "哪个？,甲,,,,A", "哪个？"])
def test_a_row_that_is_no_multiple_choice_question_is_named(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.csv").write_text(f"question,A,B,C,D,answer\n哪个？,甲,乙,丙,丁,A\n{row}\n", encoding="utf-8")
    with pytest.raises(UserError, match="no multiple-choice question") as error:
        choice_questions(tmp_path / "a.csv")
    assert "row 3" in str(error.value.where)


def test_real_c_eval_is_read_whole(real_data: Path) -> None:
    asked = choice_questions(real_data / "ceval-val")
    assert len(asked) == 197
    assert {one.options for one in asked} == {("A", "B", "C", "D")}


def test_questions_are_put_in_other_words_of_their_language(tmp_path: Path) -> None:
    made = reworded(ASKED, "general")
    assert [one.messages[-1]["content"] for one in made if one.row == 1][1] == "换一种说法：头疼怎么办？"
    assert all("Why?" in one.messages[-1]["content"] for one in made if one.row == 2)
    assert {one.group for one in made} == {"row 1", "row 2"}
    own = tmp_path / "own.jsonl"
    own.write_text(json.dumps({"question": "Why?", "rewordings": ["How come?"]}))
    assert [(one.row, one.messages[-1]["content"]) for one in reworded(ASKED, str(own))] == [(2, "How come?")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "no place\n", "is no template"),
        ("a.jsonl", "{}\n", "no file of rewordings"),
        ("a.jsonl", '{"question": "Who?", "rewordings": ["x"]}\n', "for none of the questions"),
    ],
)
def test_other_words_of_another_shape_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        reworded(ASKED, str(tmp_path / name))


def test_an_answer_holds_when_other_words_get_the_same() -> None:
    """Right or wrong does not matter for that: a model may hold on to a mistake."""
    before = {
        1: JudgedRow(1, [], ("好",), "坏", {}, {}),
        2: JudgedRow(2, [], ("好",), "", {}, {}, failure="the server hangs"),
    }
    rows = QuestionSet("a.reworded", "paraphrase", Paraphrase(inner=Exact()), reworded(ASKED, "general"), of="a")
    judged = judge(rows, [Reply(text) for text in ("坏", "好", "差", "好", "好", "好")], before)
    assert [row.scores.get("holds") for row in judged] == [1, 0, 0, None, None, None]
    assert [row.scores.get("exact match") for row in judged] == [0, 1, 0, None, None, None]
    assert {row.failure for row in judged[3:]} == {"in its own words: the server hangs"}


def test_rows_that_were_trained_on_are_asked_beside_those_that_were_not(workspace: Path) -> None:
    folder = workspace / "dataset_info"
    build(load_spec(folder / "demo.yaml"), folder)
    how = Evaluate.model_validate({"test": ["demo_norm"], "memorisation": 7, "limit": 5, "perplexity": True})
    sets = {one.name: one for one in question_sets(how, folder)}
    assert [(one.kind, len(one.questions)) for one in sets.values()] == [("test", 5), ("test", 5), ("memorisation", 7)]
    trained = {str(question.messages) for question in questions(folder, "demo_norm")}
    assert {str(question.messages) for question in sets["demo_norm.train"].questions} <= trained
    assert not {str(question.messages) for question in sets["demo_norm"].questions} & trained
    assert "legal terms" in sets["demo_norm"].task.metrics
    assert sets["demo_norm.train"].questions == question_sets(how, folder)[2].questions


def test_a_recipe_may_choose_another_task_and_set_its_switches(workspace: Path) -> None:
    folder = workspace / "dataset_info"
    build(load_spec(folder / "demo.yaml"), folder)
    how = Evaluate.model_validate({"test": ["demo_norm"], "tasks": {"demo_norm": {"task": "regex", "pattern": "切除"}}})
    (only,) = question_sets(how, folder)
    assert only.task == task_named("regex", pattern="切除")


def test_two_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    how = Evaluate.model_validate({"probe": ["general_en", "general_en"]})
    with pytest.raises(UserError, match="two question sets are called 'general_en'"):
        question_sets(how, tmp_path)
