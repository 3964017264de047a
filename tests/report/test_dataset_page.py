"""A dataset's page: the numbers of its card and of its rows, all text as it is, and without a card what can be told."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson

from lf_wrap.dataset import Card, Counts, load_card
from lf_wrap.dataset.layout import entry
from lf_wrap.dataset.register import register
from lf_wrap.dataset.tokenized import Span, open_registered
from lf_wrap.report import Shown, dataset_html, dataset_page, seen
from tests.conftest import Lfw
from tests.report.reports import HOSTILE
from tests.report.test_browser import browser

__all__ = ["browser"]  # a fixture of that file

Rows = list[tuple[str, str]]


class Told(HTMLParser):
    """The texts of a page, by the class of the element they stand in, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"


def written(folder: Path, rows: Rows, name: str = "mine") -> None:
    """Rows of questions and answers, registered under `name`."""
    lines = [{"instruction": asked, "input": "", "output": answer, "system": ""} for asked, answer in rows]
    (folder / f"{name}.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    register(folder, {name: entry("alpaca", f"{name}.jsonl")})


def page_of(folder: Path, **more: Any) -> str:
    """The page of the dataset `mine` with all its rows; `more` replaces what it holds."""
    opened = open_registered(folder, "mine")
    shown = [seen(number, opened.reader.read(line), None) for number, line in enumerate(opened.lines, 1)]
    page = dataset_page("mine", folder, opened, shown, None, None)
    return dataset_html(type(page)(**{**vars(page), **more}))


def card(**more: Any) -> Card:
    """A card of few rows where every fate occurs."""
    counts = Counts(
        read=1234, train=1100, test=50, duplicates=40, near_duplicates=21, leaks=7, not_sampled=5,
        rejects=Counter({"empty": 8, "too long": 3}), redactions=Counter({"phone": 12}),
    )  # fmt: skip
    zeros = {"p50": 0, "p90": 0, "p99": 0, "max": 0}
    told: dict[str, Any] = {
        "name": "mine", "type": "qa_pair", "task": "exact", "layout": "alpaca", "encoding": "utf-8", "prompt": "",
        "key": "", "counts": counts, "characters": zeros, "answer_characters": zeros, "turns": zeros, "tokens": None,
        "languages": {}, "labels": {}, "reject_examples": {"empty": ["a.json, row 4: no answer"]},
        "leak_pairs": [{"removed": "leaked row", "stays": "test row"}],
        "near_pairs": [{"removed": "near row", "stays": "first row"}],
        "sources": [{"file": "a.json", "encoding": "gb18030", "rows": 1234, "sha256": "0123456789abcdef" * 4}],
        "files": {}, "hashes": {}, "seconds": 0.1, "unread": ["id", "meta.by"], "warnings": ["a.json may be cut off"],
    }  # fmt: skip
    return Card(**{**told, **more})


def test_the_page_has_the_counts_of_the_card(tmp_path: Path) -> None:
    made = card()
    assert made.counts.read == made.counts.accounted, "the card of this test breaks the law itself"
    written(tmp_path, [("q", "a")])
    page = page_of(tmp_path, card=made)
    told = " ".join(Told(page).words.split())
    assert made.counts.law() in told
    for what, count in made.counts.parts():
        assert f"{what} {count:,}" in told, what
    grown = [int(width) for width in re.findall(r"flex-grow: (\d+)", page)]
    assert sum(grown) == made.counts.read
    for text in (
        "a.json, row 4: no answer",
        "leaked row",
        "test row",
        "near row",
        "first row",
        "gb18030",
        "phone 12",
        "id, meta.by",
        "cut off",
    ):
        assert text in told, text
    assert "0123456789abcdef" * 4 in told


def test_a_dataset_of_someone_else_has_a_page_without_what_only_a_card_knows(tmp_path: Path) -> None:
    written(tmp_path, [("how long?", "eleven"), ("q", "a")])
    assert load_card(tmp_path, "mine") is None
    page = page_of(tmp_path)
    told = " ".join(Told(page).words.split())
    assert "2 rows to learn from." in told
    assert "It has no data card" in told
    assert "the longest 15." in told
    assert "how long?" in told
    for part in ("rows", "rejects", "near", "leaks", "sources", "mix"):
        assert f'id="{part}"' not in page
        assert f'href="#{part}"' not in page


def test_what_is_learned_read_and_cut_stands_in_spans_of_their_own(tmp_path: Path) -> None:
    written(tmp_path, [("q", "a")])
    opened = open_registered(tmp_path, "mine")
    spans = [Span("read", 3, "<|im_start|>q"), Span("learned", 2, "a&b"), Span("cut", 7, "lost")]
    page = page_of(tmp_path, shown=[Shown(1, opened.reader.read(opened.lines[0]), spans)])
    assert '<span class="read">&lt;|im_start|&gt;q</span>' in page
    assert '<span class="learned">a&amp;b</span>' in page
    assert '<span class="cut">lost</span>' in page
    assert re.search(r"2 learned.*3 read.*7 cut", page)


def test_a_row_that_llamafactory_drops_is_named(tmp_path: Path) -> None:
    said = [{"conversations": [{"from": "gpt", "value": "first"}], "system": ""}]
    said += [{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "system": ""}]
    (tmp_path / "mine.jsonl").write_bytes(b"\n".join(map(orjson.dumps, said)))
    register(tmp_path, {"mine": entry("sharegpt", "mine.jsonl")})
    told = Told(page_of(tmp_path)).words
    assert "LLaMA-Factory drops 1 of the 2 rows looked at" in told
    assert told.count("LLaMA-Factory drops this row") == 1


def test_the_mix_adds_up(tmp_path: Path) -> None:
    written(tmp_path, [("q", "a")])
    told = " ".join(
        Told(page_of(tmp_path, mix={"mine": (100, 100), "general": (40, 300)}, mixed="3 to 1")).words.split()
    )
    assert "mine 100 100 25 %" in told
    assert "general 40 300 75 %" in told


def hostile(folder: Path) -> str:
    """Everything that others write holds what could hurt a page."""
    texts = [text.replace("\ud800", "?") for text in HOSTILE if text]
    written(folder, [(text, text) for text in texts])
    bad = texts[1]
    made = card(
        type=bad,
        reject_examples={bad: texts},
        leak_pairs=[{"removed": text, "stays": text} for text in texts],
        near_pairs=[{"removed": HOSTILE[8], "stays": bad}],
        sources=[{"file": bad, "encoding": bad, "rows": 1, "sha256": bad}],
        hashes={bad: bad},
        unread=texts,
        warnings=texts,
    )
    made.counts.rejects[bad] = 1
    made.counts.redactions[bad] = 1
    return page_of(folder, card=made, name=texts[0], mix={bad: (1, 1)}, mixed=bad)


def test_hostile_data_makes_no_element(tmp_path: Path) -> None:
    page = hostile(tmp_path)
    told = Told(page)
    assert told.elements["script"] == told.elements["img"] == told.elements["iframe"] == 0
    assert told.elements["h1"] == 1
    assert "javascript:alert" in told.words
    page.encode("utf-8")
    assert "\u202e" not in page


def test_hostile_data_runs_nothing_in_a_browser(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(hostile(tmp_path), encoding="utf-8")
    browser.get((tmp_path / "page.html").as_uri())
    assert browser.title == f"{HOSTILE[0]}: the dataset"
    assert browser.find_elements("id", "owned") == []
    assert browser.find_elements("css selector", "script, img, iframe, .text a, .text h1") == []
    assert browser.get_log("browser") == []
    for width in (1200, 400):
        browser.set_window_size(width, 1000)
        over = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{over} pixels too wide at {width}"


def test_the_command_writes_the_page_of_what_was_built(lfw: Lfw, workspace: Path) -> None:
    assert lfw("build-data", "dataset_info/demo.yaml", cwd=workspace).code == 0
    ran = lfw("preview", "demo_norm", "--rows=2", "--html=pages/norm.html", "--json", cwd=workspace)
    assert ran.code == 0, ran.err
    assert ran.json["html"] == "pages/norm.html"
    page = (workspace / "pages/norm.html").read_text(encoding="utf-8")
    made = load_card(workspace / "dataset_info", "demo_norm")
    assert made is not None
    assert made.counts.law() in Told(page).words
    assert page.count("<article") == 2 + len(made.near_pairs) + len(made.leak_pairs)
    assert "Content-Security-Policy" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
