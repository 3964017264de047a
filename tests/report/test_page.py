"""The report is one HTML file: true to the numbers, safe whatever a model answered, with nothing to load."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lf_wrap.evaluation import Comparison, compare, task_named
from lf_wrap.report import Answer, Judged, ReportPage, write_report

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">',
    "</td></table><h1>won</h1>",
    "--><script>alert(1)</script>",
    "{{ manifest }} {% include 'x' %} &amp; &lt;",
]
MANIFEST: dict[str, Any] = {
    "recipe": {"name": "mine", "model": "org/model"},
    "written": "2026-01-01T00:00:00+00:00",
    "python": "3.11.0",
    "packages": {"llamafactory": "0.9.5", "torch": "2.8.0"},
    "hardware": "no GPU, 2 CPU cores",
    "datasets": {
        "med": {
            "type": "term_normalization",
            "sources": [{"file": "raw/a.xlsx", "encoding": "utf-8", "rows": 9, "sha256": "0123456789abcdef"}],
            "law": "9 read = 5 train + 4 test",
        }
    },
    "seconds": {"build": 0.5, "train": 60.0},
}


class Read(HTMLParser):
    """A page as a browser reads it: its tags with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def judged(scores: dict[str, Comparison], task: str = "exact", text: str = "好", dataset: str = "med") -> Judged:
    answer = Answer(1, f"question {text}", f"reference {text}", f"base {text}", f"tuned {text}", 0.0, 1.0)
    metrics = task_named(task).metrics
    counted = frozenset(name for name, metric in metrics.items() if metric.counted)
    return Judged(dataset, task_named(task).headline, counted, scores, [answer])


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a report and returns its HTML."""

    def write(
        *shown: Judged,
        losses: list[tuple[int, float]] | None = None,
        train_yaml: str = "stage: sft",
        manifest: dict[str, Any] = MANIFEST,
    ) -> str:
        path = tmp_path / "report.html"
        write_report(path, ReportPage(manifest, losses or [], list(shown), train_yaml))
        return path.read_text(encoding="utf-8")

    return write


def test_yes_or_no_metrics_are_shown_as_counts(written: Any) -> None:
    exact = compare([1] * 4 + [0] * 36, [1] * 27 + [0] * 13)
    text = Read(written(judged({"exact match": exact}))).text
    assert "4 of 40 (10.0 %) before, 27 of 40 (67.5 %) after" in " ".join(text.split())
    assert "+57.5" in text
    assert "better" in text


def test_other_metrics_are_shown_as_percentages_without_counts(written: Any) -> None:
    open_ = {"chrF": compare([0.675] * 40, [0.5] * 40)}
    text = " ".join(Read(written(judged(open_, task="open"))).text.split())
    assert "chrF 67.5 % before, 50.0 % after: worse" in text
    assert "of 40 (" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_stays_text(written: Any, hostile: str) -> None:
    scores = {"exact match": compare([0], [1])}
    manifest = MANIFEST | {
        "recipe": {"name": hostile, "model": hostile},
        "hardware": hostile,
        "datasets": {hostile: MANIFEST["datasets"]["med"] | {"law": hostile}},
    }

    def page(text: str, manifest: dict[str, Any]) -> Read:
        shown = judged(scores, text=text, dataset=text)
        return Read(written(shown, losses=[(1, 2.0)], train_yaml=f"name: {text}", manifest=manifest))

    found = page(hostile, manifest)
    assert [tag for tag, _ in found.tags] == [tag for tag, _ in page("harmless", MANIFEST).tags]
    for said in (f"question {hostile}", f"reference {hostile}", f"base {hostile}", f"tuned {hostile}"):
        assert said in found.text
    assert found.text.count(hostile) >= 10


def test_nothing_is_loaded_from_elsewhere(written: Any) -> None:
    page = Read(written(judged({"exact match": compare([0, 1], [1, 1])}), losses=[(1, 2.0), (2, 1.5)]))
    names = {tag for tag, _ in page.tags}
    assert "svg" in names
    assert names.isdisjoint({"script", "link", "iframe", "img", "object", "embed", "base"})
    loaded = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href", "srcset", "data", "action"}
    ]
    assert all(value and value.startswith("#") for value in loaded)
    assert "@import" not in page.text
    assert "url(http" not in page.text


def test_what_went_in_is_told(written: Any) -> None:
    text = Read(written(train_yaml="cutoff_len: 448  # measured")).text
    for said in ("raw/a.xlsx", "0123456789ab", "9 read = 5 train + 4 test", "cutoff_len: 448  # measured", "0.9.5"):
        assert said in text


def test_without_test_rows_the_page_says_that_nothing_can_be_said(written: Any) -> None:
    page = Read(written())
    assert "nothing can be said" in page.text
    assert "svg" not in {tag for tag, _ in page.tags}


def test_a_loss_that_diverged_is_drawn_as_far_as_it_goes(written: Any) -> None:
    assert "<svg" in written(losses=[(1, 2.0), (2, float("nan")), (3, float("inf"))])
    assert "<svg" in written(losses=[(1, float("nan"))])


def test_the_same_run_gives_the_same_page(written: Any) -> None:
    shown = judged({"exact match": compare([0, 1], [1, 1])})
    assert written(shown, losses=[(1, 2.0)]) == written(shown, losses=[(1, 2.0)])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dataset", ["中文", "a_b^c", "a$b$", "$^$", r"a\$b"])
def test_a_dataset_is_drawn_under_its_own_name(written: Any, caplog: pytest.LogCaptureFixture, dataset: str) -> None:
    page = written(judged({"exact match": compare([0], [1])}, dataset=dataset))
    drawing = page[page.index("<svg") : page.index("</svg>")]
    assert f"{dataset}: exact match" in Read(drawing).text
    assert "Noto Sans CJK SC" in drawing
    assert caplog.messages == []
