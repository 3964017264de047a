"""The report is one HTML file: true to the numbers, safe whatever a model answered, with nothing to load or to run."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from lf_wrap.report import Report, to_html, to_markdown
from tests.report.reports import HOSTILE, MANIFEST, hostile, judged, report

FIXED = judged(["right"] * 4 + ["wrong"] * 36, ["right"] * 27 + ["wrong"] * 13)


class Read(HTMLParser):
    """A page as a browser reads it: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.raw += data

    @property
    def text(self) -> str:
        return " ".join(self.raw.split())


def read(told: Report) -> Read:
    return Read(to_html(told))


def test_the_verdict_comes_first_with_how_sure_it_is() -> None:
    text = read(report(FIXED)).text
    assert "The tuned model is better on med." in text
    assert "67.5 % from 10.0 %" in text
    assert "27 of 40 (67.5 %)" in text
    assert "+57.5" in text
    assert "23 of 40 answers improved, 0 got worse." in text


def test_it_says_so_when_nothing_can_be_said() -> None:
    assert "nothing can be said" in read(report()).text
    text = read(report(judged(["wrong"] * 9, ["wrong"] * 9))).text
    assert "It cannot be told whether the model got better." in text
    assert "all 9 answers score the same" in text


def test_what_was_forgotten_is_part_of_the_verdict() -> None:
    probe = judged(["right"] * 30, ["wrong"] * 30, name="general", kind="probe")
    text = read(report(FIXED, probe)).text
    assert "better on med. It lost general skill: worse on general." in text
    assert "What it may have forgotten" in text


def test_questions_without_an_answer_are_told_and_not_scored() -> None:
    text = read(report(judged(["right", None, "wrong"] * 5, ["right", "right", None] * 5))).text
    assert "5 questions were not answered by the base and 5 not by the tuned model" in text
    assert "no answer: it hung" in text


def test_other_metrics_are_shown_as_percentages_without_counts() -> None:
    text = read(report(judged(["right"] * 40, ["rite"] * 40, task="open"))).text
    assert re.search(r"chrF 100\.0 %22\.2 %", text)
    assert "worse on med" in text


def test_answers_are_sorted_into_fixed_broken_and_the_rest() -> None:
    page = read(report(judged(["right", "wrong", "wrong", "right"], ["right", "right", "wrong", "wrong"])))
    fates = [attributes["class"] for tag, attributes in page.tags if tag == "article"]
    assert fates == ["pair right", "pair fixed", "pair wrong", "pair broken"]
    assert "fixed by tuning 1" in page.text


def test_hostile_text_stays_text() -> None:
    page, harmless = read(hostile()), {"article", "section", "details", "label", "style"}
    assert {tag for tag, _ in page.tags} - harmless <= {tag for tag, _ in read(report(FIXED)).tags}
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert "owned" not in [attributes.get("id") for _, attributes in page.tags]
    for text in HOSTILE[:7]:
        assert page.raw.count(text) >= 3, text
    assert "49" not in page.text.replace("x49", "")[:2_000]


def test_what_cannot_be_seen_is_shown() -> None:
    page = to_html(hostile())
    assert "user⟨U+202E⟩gpj.exe⟨U+2066⟩ turned ⟨U+0000⟩⟨U+001B⟩[31m round" in page
    assert "half a character ⟨U+D800⟩ alone" in page
    assert not set(page) & set("\u202e\u2066\x00\x1b\ud800")
    page.encode("utf-8")


def test_an_answer_of_100_kilobytes_is_cut_and_says_so() -> None:
    page = to_html(hostile())
    assert "[…98,000 more characters]" in page
    assert len(page) < 400_000


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = read(hostile())
    names = {tag for tag, _ in page.tags}
    assert "svg" in names
    assert names.isdisjoint({"script", "link", "iframe", "img", "object", "embed", "base", "form"})
    loaded = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href", "srcset", "data", "action"}
    ]
    assert all(value and value.startswith("#") for value in loaded)
    policies = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    style = page.raw[page.raw.index(":root") : page.raw.index("@media print")]
    assert "url(" not in style
    assert "@import" not in style


def test_what_went_in_is_told() -> None:
    text = read(report(FIXED, train_yaml="cutoff_len: 448  # measured")).text
    for said in (
        "raw/a.xlsx",
        "0123456789ab",
        "12 read = 5 train + 4 test + 3 rejected (empty)",
        "cutoff_len: 448 # measured",
        "0.9.5",
    ):
        assert said in text
    assert "lfw run runs/mine/1/recipe.yaml --fresh" in text


def test_an_export_that_is_another_model_is_a_warning_at_the_top() -> None:
    parity = {"ok": False, "cause": "the adapter was not merged", "max_abs_logit_diff": 3.0, "same_greedy": False}
    text = read(report(FIXED, parity=parity | {"template_tokens_equal": True})).text
    assert text.index("The exported model is not the tuned one: the adapter was not merged") < text.index("Before and")


def test_a_loss_that_diverged_is_drawn_as_far_as_it_goes() -> None:
    losses = [(1, 2.0), (2, float("nan")), (3, float("inf"))]
    told = report(FIXED, losses=losses)
    assert "training loss" in to_html(told)
    assert json.loads(json.dumps(told.to_json(), allow_nan=False))["losses"] == [[1, 2.0], [2, None], [3, None]]


def test_the_same_run_gives_the_same_page() -> None:
    assert to_html(report(FIXED)) == to_html(report(FIXED))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dataset", ["中文", "a_b^c", "a$b$", "$^$", r"a\$b"])
def test_a_dataset_is_drawn_under_its_own_name(caplog: pytest.LogCaptureFixture, dataset: str) -> None:
    page = to_html(report(judged(["wrong"] * 8, ["right"] * 8, name=dataset)))
    drawing = page[page.index("<svg") : page.index("</svg>")]
    assert f"{dataset}: exact match" in Read(drawing).text
    assert "Noto Sans CJK SC" in drawing
    assert caplog.messages == []


def test_what_a_judge_said_is_shown() -> None:
    duel = {"first": "base", "second": "mine", "first_won": 1, "second_won": 8, "ties": 3, "flipped": 2, "p": 0.039}
    told = {"judge": "judge-1", "rows": 12, "pairwise": [duel], "pointwise": {}, "unreadable": 1}
    bill = {"calls": 24, "tokens_in": 2400, "tokens_out": 240, "failed": 0}
    text = read(report(FIXED, opinions={"med": told | {"bill": bill}})).text
    assert "mine won 8, base won 1, 3 ties (p = 0.039). 2 verdicts did not hold" in text


def test_markdown_says_the_same_and_nothing_in_it_is_markup() -> None:
    text = to_markdown(report(FIXED))
    assert "The tuned model is better on med." in text
    assert "| med | exact match | 4 of 40" in text
    told, _ = to_markdown(hostile()).split("## How to reproduce it")  # what follows is code
    assert "<script" not in told
    assert "](javascript" not in told
    assert "⟨U\\+202E⟩" in told
    rows = [line for line in told.splitlines() if line.startswith("| 10 |")]
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 6, "a bar in an answer begins no column"


def test_json_has_every_number() -> None:
    told = report(FIXED).to_json()
    assert told["sets"]["med"]["scores"]["exact match"]["verdict"] == "better"
    assert told["sets"]["med"]["fates"] == {"fixed": 23, "right": 4, "wrong": 13}
    assert told["manifest"] == MANIFEST
    json.dumps(hostile().to_json(), allow_nan=False, ensure_ascii=True)
