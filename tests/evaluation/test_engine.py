"""A model folder answers greedily: the same weights give the same answers however the questions are batched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation import JudgedRow, Question, QuestionSet, answer, read_judged, task_named, write_sets
from lf_wrap.evaluation.engine import Engine

TEXTS = [
    "术语标准化：右卵巢切除术",
    "嗯",
    "你好，我最近总是头疼，晚上睡不着觉，请问应该去哪个科室看病？需要做什么检查？",
    "hello",
    "Don't you get lonely out here? " * 8,
    "主诉：咳嗽三天。现病史：无发热。请写一份报告。",
    "a b c d e f g",
    "术语标准化：胃癌根治术",
    "1 2 3",
]
ASKED = [Question(row, [{"role": "user", "content": text}], ("好",)) for row, text in enumerate(TEXTS, 1)]


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Engine:
    """The tiny model in fp32, on a GPU too."""
    loaded = Engine(tiny_model)
    loaded.model.float()
    return loaded


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model to break."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def answers(engine: Engine, asked: list[Question], batch_size: int | None = None, tokens: int = 12) -> list[str]:
    return engine.answers(asked, tokens, batch_size, lambda count: None)


@pytest.fixture(scope="module")
def one_by_one(engine: Engine) -> list[str]:
    return answers(engine, ASKED, 1)


@pytest.mark.parametrize("batch_size", [2, 3, 9, 64, None])
def test_answers_do_not_depend_on_the_batch_size(engine: Engine, one_by_one: list[str], batch_size: int | None) -> None:
    assert answers(engine, ASKED, batch_size) == one_by_one


@pytest.mark.parametrize("order", [list(reversed(range(9))), [4, 0, 8, 1, 7, 2, 6, 3, 5], [2, 2, 2]])
def test_every_question_gets_its_own_answer_in_whatever_order(
    engine: Engine, one_by_one: list[str], order: list[int]
) -> None:
    assert answers(engine, [ASKED[place] for place in order], 4) == [one_by_one[place] for place in order]


def test_different_questions_get_different_answers(one_by_one: list[str]) -> None:
    assert len(set(one_by_one)) == len(ASKED)


def test_progress_counts_every_answer_once(engine: Engine) -> None:
    counts: list[int] = []
    engine.answers(ASKED, 2, 4, counts.append)
    assert counts == [4, 4, 1]


def test_earlier_turns_and_the_system_text_are_part_of_the_question(engine: Engine) -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "你好"}]
    plain = [{"role": "user", "content": "你是谁？"}]
    system = [{"role": "system", "content": "Maren keeps the lighthouse on a bare northern skerry."}]
    asked = [Question(1, messages, ("",)) for messages in (plain, said + plain, system + plain)]
    assert len(set(answers(engine, asked))) == 3


@pytest.mark.parametrize(
    ("references", "room"),
    [(["咳"], 8), (["word " * 20, "咳"], 30), (["word " * 9000], 1024)],
    ids=["a short one", "the longest counts", "an endless one"],
)
def test_there_is_room_for_more_than_the_longest_reference(engine: Engine, references: list[str], room: int) -> None:
    assert room <= engine.room_for(references) <= min(1024, 8 * room)


def kept(model: Path, folder: Path, asked: list[Question]) -> list[JudgedRow]:
    """What an evaluation of one set leaves behind, as the report reads it."""
    sets = [QuestionSet("demo", "test", task_named("exact"), asked, max_new_tokens=4)]
    write_sets(folder, sets)
    answer(model, "tuned", sets, folder, lambda count: None, batch_size=None)
    (judged,) = read_judged(folder)
    return judged.tuned


def test_answers_are_kept_with_their_questions(tiny_model: Path, tmp_path: Path) -> None:
    rows = kept(tiny_model, tmp_path, ASKED[:3])
    assert [(row.row, row.messages, row.references) for row in rows] == [
        (question.row, question.messages, ("好",)) for question in ASKED[:3]
    ]
    assert all(row.scores.keys() == {"exact match"} for row in rows)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_question_with_a_unicode_line_separator_is_kept(tiny_model: Path, tmp_path: Path, separator: str) -> None:
    asked = [Question(1, [{"role": "user", "content": f"头疼{separator}三天"}], ("好",))]
    assert kept(tiny_model, tmp_path, asked)[0].messages == asked[0].messages


def test_an_evaluation_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no whole evaluation") as error:
        read_judged(tmp_path)
    assert "--from evaluate" in str(error.value.fix)


def test_a_model_without_a_chat_template_is_refused(model: Path) -> None:
    (model / "chat_template.jinja").unlink(missing_ok=True)
    settings = json.loads((model / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match="has no chat template") as error:
        Engine(model)
    assert "instruct model" in str(error.value.fix)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_model_whose_download_was_cut_off_is_refused(model: Path, file: str) -> None:
    (model / file).write_bytes((model / file).read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be loaded"):
        Engine(model)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_model_with_a_part_missing_is_refused(model: Path, missing: str) -> None:
    (model / missing).unlink()
    with pytest.raises(UserError, match="cannot be loaded"):
        Engine(model)
