"""What the card says of a dataset besides its counts."""

from __future__ import annotations

import json
from pathlib import Path

from lf_wrap.dataset import Card, DatasetSpec, build


def card_of(folder: Path, rows: list[dict[str, str]], **spec: object) -> tuple[Card, str]:
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    made = build({"d": DatasetSpec(source=str(folder / "rows.json"), **spec)}, folder / "out")[0]
    return made, (folder / "out/d.card.md").read_text(encoding="utf-8")


def row(question: str, answer: str) -> dict[str, str]:
    return {"instruction": question, "input": "", "output": answer}


def test_languages_are_told_by_script(tmp_path: Path) -> None:
    answers = ["多喝水", "drink water", "水を飲む", "42"]
    card, page = card_of(tmp_path, [row(f"q{number}", answer) for number, answer in enumerate(answers)], test=0)
    assert card.languages == {"Chinese": 1, "Latin": 1, "Japanese": 1, "none": 1}
    assert "Languages of the answers: " in page


def test_few_answers_that_return_are_labels(tmp_path: Path) -> None:
    rows = [row(f"句子{number}", "阳性" if number % 4 else "阴性") for number in range(80)]
    card, page = card_of(tmp_path, rows, test=0)
    assert card.labels == {"阳性": 60, "阴性": 20}
    assert "The answers are labels: 阳性 60, 阴性 20." in page
    assert card_of(tmp_path, [row(f"q{n}", f"a{n}") for n in range(80)], test=0)[0].labels == {}


def test_rejects_are_shown_by_place_and_never_by_content(tmp_path: Path) -> None:
    card, page = card_of(tmp_path, [row("问", "答"), row("我的电话13812345678", ""), row("b", "")], test=0)
    assert [one.partition(", ")[2] for one in card.reject_examples["no answer"]] == [
        "row 2: output is empty",
        "row 3: output is empty",
    ]
    assert "13812345678" not in page


def test_with_a_tokenizer_the_card_counts_tokens_and_advises_a_cutoff(tmp_path: Path, tiny_model: Path) -> None:
    rows = [row(f"问题{number}", "答" * 20) for number in range(300)] + [row("长", "答" * 3000)]
    card, page = card_of(tmp_path, rows, test=0, tokenizer=str(tiny_model))
    assert card.tokens is not None
    assert card.tokens["max"] > 1000 > card.tokens["p99"]
    assert (card.tokens["cutoff_len"] % 64, card.tokens["cut"]) == (0, 1)
    assert f"Advised `cutoff_len: {card.tokens['cutoff_len']}`, which would cut 1 rows." in page
