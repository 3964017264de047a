"""Every metric against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lf_wrap.evaluation.tasks import Classification, Normalization, Open, Perplexity, Reply, Roleplay
from lf_wrap.evaluation.tasks.similarity import bleu4, distinct, meteor, repetition, rouge


@pytest.mark.parametrize(
    ("answer", "reference", "exact", "same", "nfkc", "f1"),
    [
        ("胃癌", "胃癌", 1, 1, 1, 1),
        ("肺癌##胃癌", "胃癌##肺癌", 0, 1, 1, 1),
        ("胃癌 ## 肺癌", "胃癌##肺癌", 0, 1, 1, 1),
        ("Ⅱ型糖尿病（重）", "II型糖尿病(重)", 0, 0, 1, 1),
        ("胃癌", "胃癌##肺癌", 0, 0, 0, 2 / 3),
        ("肝癌", "胃癌", 0, 0, 0, 0),
        ("", "胃癌", 0, 0, 0, 0),
    ],
)
def test_a_standard_term(answer: str, reference: str, exact: float, same: float, nfkc: float, f1: float) -> None:
    scores = Normalization().score(answer, reference)
    assert list(scores.values()) == pytest.approx([exact, same, nfkc, f1])


def test_what_is_said_may_be_a_legal_term_though_it_is_wrong() -> None:
    task = Normalization().trained_on(["胃癌##肺癌", "肝癌（重）"])
    assert "legal terms" in task.metrics
    said = {"胃癌": 1.0, "胃癌##乱说": 0.5, "乱说": 0.0, "肝癌(重)": 1.0, "": 0.0}
    assert {text: task.judge(Reply(text), ["肺癌"]).scores["legal terms"] for text in said} == said
    assert "legal terms" not in Normalization().metrics


def test_classes_have_precision_and_recall() -> None:
    task, sums = Classification(), dict[str, float]()
    for said, wanted in [("A", "A"), ("a。", "A"), ("B", "A"), ("B", "B")]:
        for cell, count in task.counts(said, wanted).items():
            sums[cell] = sums.get(cell, 0) + count
    # A: precision 2/2, recall 2/3, F1 4/5; B: precision 1/2, recall 1, F1 2/3
    found = {name: float(value) for name, value in task.of_sums(sums).items()}
    assert found == pytest.approx({"precision": 3 / 4, "recall": 5 / 6, "F1": (4 / 5 + 2 / 3) / 2})
    assert task.score("a。", "A") == {"accuracy": 1.0}


def test_perplexity_is_of_all_tokens_together() -> None:
    rows = [
        Perplexity().judge(Reply(surprise=3.0, tokens=4), ["x"]),
        Perplexity().judge(Reply(surprise=1.0, tokens=4), ["x"]),
    ]
    assert [row.scores["nats a token"] for row in rows] == [0.75, 0.25]
    sums = {name: sum(row.counts[name] for row in rows) for name in rows[0].counts}
    assert float(Perplexity().of_sums(sums)["perplexity"]) == pytest.approx(math.exp(4 / 8))


def test_rouge() -> None:
    # a b c of a b c d shared: 3/4; ab, bc of three: 2/3; the longest common subsequence has 3 of 4
    assert rouge("a b c d", "a b c e") == pytest.approx(
        {"ROUGE-1": 3 / 4, "ROUGE-2": 2 / 3, "ROUGE-L": 3 / 4}, abs=1e-6
    )


@pytest.mark.parametrize("measure", [bleu4, meteor, lambda a, b: rouge(a, b)["ROUGE-1"]])
@pytest.mark.parametrize(("answer", "reference"), [("", "头疼"), ("头疼", ""), ("", ""), (" \n", "头疼")])
def test_nothing_is_like_nothing(measure: Any, answer: str, reference: str) -> None:
    assert measure(answer, reference) == 0


def test_bleu_of_the_reference_itself_is_1_and_of_one_letter_changed_less() -> None:
    # 我今天头疼 against 我今天头晕: precisions 4/5, 3/4, 2/3, 1/2
    assert bleu4("我今天头疼", "我今天头疼") == pytest.approx(1)
    assert bleu4("我今天头疼", "我今天头晕") == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_saying_the_same_again_and_again_shows() -> None:
    assert repetition("多喝水多喝水多喝水") == pytest.approx(1 - 3 / 6)
    assert (repetition("多喝水，注意休息。"), repetition("嗯")) == (0, 0)
    assert (distinct("好 好 好 坏", 1), distinct("好 好 好 坏", 2), distinct("", 1)) == (1 / 2, 2 / 3, 1)


def test_an_answer_of_100_kilobytes_is_scored_in_little_time() -> None:
    scores = Open().score("多喝水" * 33_333, "多喝水")
    assert scores["length ratio"] == 100
    assert scores["repetition"] > 0.99


@pytest.mark.parametrize(
    ("answer", "out"),
    [
        ("作为一个AI，我没有感情。", 1),
        ("我是人工智能助手。", 1),
        ("As an AI language model, I cannot feel.", 1),
        ("I’m an artificial intelligence.", 1),
        ("I can't roleplay that.", 1),
        ("我是艾琳，守着这座灯塔。", 0),
        ("我是AIDS患者。", 0),
        ("I'm an airman, and as an aide I serve.", 0),
        ("", 0),
    ],
)
def test_a_character_that_speaks_of_itself_as_a_model_is_out_of_character(answer: str, out: int) -> None:
    assert Roleplay().score(answer, "我在这里。")["out of character"] == out
