"""A model folder answers greedily: the same weights give the same answers however the questions are batched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from lf_wrap.errors import UserError
from lf_wrap.evaluation import JudgedRow, Question, QuestionSet, answer, read_judged, task_named, write_sets
from lf_wrap.evaluation.engines import Asked, Weighed
from lf_wrap.evaluation.engines.local import Local
from lf_wrap.evaluation.tasks import Reply

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
def engine(tiny_model: Path) -> Local:
    """The tiny model in fp32, on a GPU too."""
    loaded = Local(tiny_model)
    loaded.model.float()
    return loaded


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model to break."""
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def replies(engine: Local, asked: list[Question], rows: int, room: int = 24, tokens: int = 16_384) -> list[Reply]:
    engine.rows_at_once, engine.tokens_at_once = rows, tokens
    found: dict[int, Reply] = {}
    engine.answer([Asked(one.messages, room, one.reference) for one in asked], found.__setitem__)
    return [found[place] for place in range(len(asked))]


def answers(engine: Local, asked: list[Question], rows: int = 4, room: int = 24) -> list[str]:
    return [reply.text for reply in replies(engine, asked, rows, room)]


@pytest.fixture(scope="module")
def one_by_one(engine: Local) -> list[str]:
    return answers(engine, ASKED, 1)


@pytest.mark.parametrize("rows", [2, 3, 9, 64])
def test_answers_do_not_depend_on_the_batch_size(engine: Local, one_by_one: list[str], rows: int) -> None:
    assert answers(engine, ASKED, rows) == one_by_one


def test_answers_do_not_depend_on_how_many_tokens_fit_at_once(engine: Local, one_by_one: list[str]) -> None:
    assert [reply.text for reply in replies(engine, ASKED, 9, tokens=150)] == one_by_one


def test_the_batch_that_stays_full_answers_as_generate_does(
    engine: Local, one_by_one: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lf_wrap.evaluation.engines.local.can_decode", lambda model: False)
    assert answers(engine, ASKED, 3) == one_by_one


def test_rows_that_end_early_make_place_for_others(engine: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every ninth token of the vocabulary ends an answer here, so that rows end at very different times."""
    monkeypatch.setattr(engine, "_stops", lambda: [engine.tokenizer.eos_token_id, *range(300, 1200, 9)])
    asked = [Question(n, [{"role": "user", "content": f"{text} {n}"}], ("好",)) for n in range(6) for text in TEXTS]
    alone = replies(engine, asked, 1, room=16)
    assert len({len(reply.text) for reply in alone}) > 5
    assert {reply.truncated for reply in alone} == {True, False}
    assert replies(engine, asked, 7, room=16) == alone


@pytest.mark.parametrize("order", [list(reversed(range(9))), [4, 0, 8, 1, 7, 2, 6, 3, 5], [2, 2, 2]])
def test_every_question_gets_its_own_answer_in_whatever_order(
    engine: Local, one_by_one: list[str], order: list[int]
) -> None:
    assert answers(engine, [ASKED[place] for place in order]) == [one_by_one[place] for place in order]


def test_different_questions_get_different_answers(one_by_one: list[str]) -> None:
    assert len(set(one_by_one)) == len(ASKED)


def test_earlier_turns_and_the_system_text_are_part_of_the_question(engine: Local) -> None:
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
def test_there_is_room_for_more_than_the_longest_reference(engine: Local, references: list[str], room: int) -> None:
    assert room <= engine.room_for(references) <= min(1024, 8 * room)


def test_an_answer_that_used_its_room_up_is_marked(engine: Local) -> None:
    assert replies(engine, ASKED[:1], 1, room=3)[0].truncated


def test_a_question_longer_than_the_model_is_a_failure_and_no_answer(engine: Local) -> None:
    endless = Question(1, [{"role": "user", "content": "word " * 9000}], ("好",))
    told = replies(engine, [endless, ASKED[1]], 2)
    assert "more than the model's 4,096 positions" in str(told[0].failure)
    assert told[1].failure is None


def test_logits_that_are_no_numbers_are_failures(tiny_model: Path) -> None:
    import torch

    broken = Local(tiny_model)
    with torch.no_grad():
        broken.model.model.norm.weight.fill_(float("nan"))
    assert {"NaN" in str(reply.failure) for reply in replies(broken, ASKED, 4)} == {True}
    weighed: dict[int, Reply] = {}
    broken.weigh([Weighed("头疼", "三天")], weighed.__setitem__)
    assert "NaN" in str(weighed[0].failure)


def test_a_likelihood_is_that_of_the_model_itself(engine: Local) -> None:
    import torch

    pairs = [("头疼三天", "多喝水"), ("hello ", "there"), ("a b c d e", " f")]
    weighed: dict[int, Reply] = {}
    engine.weigh([Weighed(before, text) for before, text in pairs], weighed.__setitem__)
    for place, (before, text) in enumerate(pairs):
        start = len(engine.tokenizer(before)["input_ids"])
        ids = torch.tensor([engine.tokenizer(before + text)["input_ids"]])
        loss = engine.model(ids, labels=torch.where(torch.arange(ids.shape[1]) < start, -100, ids)).loss
        assert weighed[place].tokens == ids.shape[1] - start
        assert weighed[place].surprise == pytest.approx(float(loss) * (ids.shape[1] - start), rel=1e-4)


def kept(model: Path, folder: Path, asked: list[Question]) -> list[JudgedRow]:
    """What an evaluation of one set leaves behind, as the report reads it."""
    sets = [QuestionSet("demo", "test", task_named("exact"), asked, max_new_tokens=4)]
    write_sets(folder, sets)
    answer(Local(model), "tuned", sets, folder, lambda count: None, folder / "cache")
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
        _ = Local(model).model
    assert "instruct model" in str(error.value.fix)


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_model_whose_download_was_cut_off_is_refused(model: Path, file: str) -> None:
    (model / file).write_bytes((model / file).read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be loaded"):
        _ = Local(model).model


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_model_with_a_part_missing_is_refused(model: Path, missing: str) -> None:
    (model / missing).unlink()
    with pytest.raises(UserError, match="cannot be loaded"):
        _ = Local(model).model


def test_weights_laid_out_once_answer_alike_and_leave_the_model_as_it_was(
    engine: Local, one_by_one: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(engine._packed._weights or []) > 1, "the tiny model's layers were packed"
    assert not [layer for layer in engine.model.modules() if "forward" in vars(layer)], "and only while it decodes"
    monkeypatch.setattr(engine._packed, "_weights", [])
    assert answers(engine, ASKED, 9) == one_by_one


def test_no_weights_are_copied_where_memory_is_short(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = Local(tiny_model)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1 << 20))
    answers(short, ASKED[:1])
    assert short._packed._weights == []


@pytest.mark.parametrize("first_pass", [1, 60, 10_000])
def test_answers_do_not_depend_on_how_prompts_are_taken_together(
    engine: Local, one_by_one: list[str], first_pass: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lf_wrap.evaluation.engines.decode.FIRST_PASS", first_pass)
    assert answers(engine, ASKED, 9) == one_by_one
