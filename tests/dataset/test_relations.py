"""Duplicates, likeness, leaks and the split, on whole builds of small made files."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.dataset import Card, DatasetSpec, SplitFiles, build
from lf_wrap.errors import UserError

WORDS = [f"词{number}" for number in range(400)]


def sentence(seed: int, words: int = 60) -> str:
    return "，".join(random.Random(seed).choices(WORDS, k=words))


def row(question: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"instruction": question, "input": "", "output": answer, **more}


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(json.dumps(one, ensure_ascii=False) for one in rows), encoding="utf-8")
    return str(path)


def built(folder: Path, rows: list[dict[str, Any]], **spec: Any) -> tuple[Card, list[Any], list[Any]]:
    source = write(folder / "rows.jsonl", rows)
    card = build({"d": DatasetSpec(source=source, **spec)}, folder / "out")[0]
    files = [folder / f"out/d_{side}.jsonl" for side in ("train", "test")]
    sides = [[json.loads(line) for line in file.open(encoding="utf-8")] if file.exists() else [] for file in files]
    return card, sides[0], sides[1]


def test_of_near_duplicates_the_one_with_the_longest_answer_stays(tmp_path: Path) -> None:
    question = sentence(1)
    rows = [row(question, sentence(2)), row(question + "？", sentence(2) + "，好"), row(sentence(3), sentence(4))]
    card, train, _ = built(tmp_path, rows, test=0)
    assert card.counts.near_duplicates == 1
    assert sorted(len(one["output"]) for one in train) == sorted(map(len, (sentence(2) + "，好", sentence(4))))
    assert card.near_pairs[0]["removed"] == question
    assert "Near-duplicates removed" in (tmp_path / "out/d.card.md").read_text(encoding="utf-8")


def test_short_rows_that_differ_in_one_character_are_not_alike(tmp_path: Path) -> None:
    rows = [row(f"{side}侧肾切除术", "单侧肾切除术") for side in "左右双单"]
    assert built(tmp_path, rows, test=0)[0].counts.near_duplicates == 0


def test_a_long_prompt_around_short_rows_does_not_make_them_alike(tmp_path: Path) -> None:
    rows = [row(sentence(9) + f"\n原始词:{name}", f"标准{name}") for name in WORDS[:60]]
    card, _, _ = built(tmp_path, rows, test=5)
    assert (card.counts.near_duplicates, card.counts.leaks) == (0, 0)


def test_several_answers_to_one_question_stay_on_one_side(tmp_path: Path) -> None:
    rows = [row(sentence(number // 3), sentence(1000 + number)) for number in range(120)]
    card, train, test = built(tmp_path, rows, test=10)
    assert len(test) == 10
    assert not {one["instruction"] for one in train} & {one["instruction"] for one in test}
    assert card.counts.leaks > 0
    assert card.leak_pairs


def test_rows_of_one_group_stay_on_one_side(tmp_path: Path) -> None:
    rows = [row(sentence(number), sentence(1000 + number), patient=f"p{number // 4}") for number in range(80)]
    _, train, test = built(tmp_path, rows, test=8, group_by="patient")
    patient = {one["instruction"]: one["patient"] for one in rows}
    sides = [{patient[one["instruction"]] for one in side} for side in (train, test)]
    assert not sides[0] & sides[1]


def test_a_test_question_that_stands_inside_a_training_row_is_a_leak(tmp_path: Path) -> None:
    train = [row(sentence(number), sentence(100 + number)) for number in range(5)]
    train.append(row(f"{sentence(50)}。另外，{sentence(7)}，谢谢医生。{sentence(51)}", sentence(200)))
    test = [row(sentence(7), sentence(300))]
    source = SplitFiles(train=write(tmp_path / "a.jsonl", train), test=write(tmp_path / "b.jsonl", test))
    card = build({"d": DatasetSpec(source=source)}, tmp_path / "out")[0]
    assert (card.counts.train, card.counts.leaks, card.counts.test) == (5, 1, 1)


def test_datasets_of_one_spec_are_related_to_each_other(tmp_path: Path) -> None:
    shared = [row(sentence(number), sentence(100 + number)) for number in range(4)]
    own = [row(sentence(10 + number), sentence(200 + number)) for number in range(4)]
    one = DatasetSpec(source=write(tmp_path / "a.jsonl", shared + own), test=0)
    other = DatasetSpec(source=write(tmp_path / "b.jsonl", [*shared, row(sentence(77), sentence(78))]), test=0)
    files = SplitFiles(
        train=write(tmp_path / "c.jsonl", [row("别的", "答")]), test=write(tmp_path / "t.jsonl", own[:1])
    )
    specs = {"one": one, "other": other, "tested": DatasetSpec(source=files)}
    counts = {card.name: card.counts for card in build(specs, tmp_path / "out")}
    assert counts["other"].duplicates == 4
    assert counts["one"].leaks == 1


@pytest.mark.parametrize("off", ["deduplicate", "near_duplicates", "leaks"])
def test_every_comparison_can_be_switched_off(tmp_path: Path, off: str) -> None:
    question, answer = sentence(1), sentence(2)
    rows = [
        row(question, answer),
        row(question, answer),
        row(question + "吗", answer),
        *[row(sentence(n), "答") for n in range(5, 25)],
    ]
    card, _, _ = built(tmp_path, rows, test=3, **{off: False})
    counts = card.counts
    expected = {"deduplicate": ("duplicates", 0), "near_duplicates": ("near_duplicates", 0), "leaks": ("leaks", 0)}[off]
    assert getattr(counts, expected[0]) == expected[1]
    assert counts.read == counts.accounted


def test_a_switch_is_one_datasets_own(tmp_path: Path) -> None:
    rows = [row(sentence(number), sentence(100 + number)) for number in range(4)]
    twice = write(tmp_path / "a.jsonl", rows + rows)
    other = write(tmp_path / "b.jsonl", [row(sentence(50 + n), sentence(150 + n)) for n in range(2)] * 2)
    off = DatasetSpec(source=other, test=0, deduplicate=False, leaks=False, near_duplicates=False)
    cards = build({"on": DatasetSpec(source=twice, test=0), "off": off}, tmp_path / "out")
    assert [(card.counts.train, card.counts.duplicates) for card in cards] == [(4, 4), (4, 0)]


def test_plain_text_among_conversations_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [row("问", "答")])
    write(tmp_path / "b.jsonl", [{"text": "一段文字"}])
    source = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    with pytest.raises(UserError, match="plain text among conversations"):
        build({"d": DatasetSpec(source=source, test=0)}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
