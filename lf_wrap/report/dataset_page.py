"""A dataset as one HTML file to look at: where every row went, how long rows are, what the model learns of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lf_wrap.dataset import Card, load_card, planned
from lf_wrap.dataset.card import quantiles
from lf_wrap.dataset.describe import labels, languages
from lf_wrap.dataset.tokenized import Encoder, Masking, Registered, Row, Span, lengths, view
from lf_wrap.dataset.tokenized.template import ChatTemplate
from lf_wrap.recipe import Recipe, base_model, mix_of
from lf_wrap.report.html import drawings, rendered
from lf_wrap.report.plots import row_lengths_svg

ROWS_MEASURED = 10_000
"""So many rows, evenly spread, tell lengths, turns and languages well enough."""
ROWS_AT_ONCE = 500
TONES = {one: one for one in ("train", "test", "duplicates", "near-duplicates", "leaks", "expanded")} | {
    "not sampled": "unsampled"
}
"""The colours in dataset.css of the parts of the law; rejects have one of their own."""


@dataclass(frozen=True)
class Model:
    """How a model reads rows: `name` and `chat_template` as people call them."""

    name: str
    chat_template: str
    template: ChatTemplate
    encoder: Encoder
    masking: Masking


@dataclass(frozen=True)
class Shown:
    """A row of the dataset, by its number from 1: `row` is None where LLaMA-Factory drops it; spans need a model."""

    number: int
    row: Row | None
    spans: list[Span] | None = None

    def tokens(self) -> dict[str, int]:
        """How many tokens are learned, read and cut."""
        spans = self.spans or []
        return {kind: sum(one.tokens for one in spans if one.kind == kind) for kind in ("learned", "read", "cut")}


@dataclass(frozen=True)
class Measured:
    """What was counted in `rows` of the rows; `dropped` of these LLaMA-Factory drops, and they count no further."""

    rows: int
    dropped: int
    lengths: list[int]
    """In tokens with a model, in characters without."""
    turns: dict[int, int]
    """How many rows have so many questions with an answer."""
    languages: dict[str, int]
    labels: dict[str, int]


@dataclass(frozen=True)
class DatasetPage:
    """All that the page tells. Without a `card` (lfw did not build the dataset) it tells only what its rows tell."""

    name: str
    rows: int
    measured: Measured
    shown: list[Shown]
    card: Card | None = None
    model: Model | None = None
    mix: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """How many rows each dataset of a mix has, and how many of them it takes."""
    mixed: str = ""
    """The mix in words."""

    @property
    def cut(self) -> int:
        """How many of the measured rows `cutoff_len` cuts."""
        return sum(length > self.model.masking.cutoff_len for length in self.measured.lengths) if self.model else 0


def dataset_page(
    name: str, dataset_dir: Path, opened: Registered, shown: list[Shown], model: Model | None, recipe: Recipe | None
) -> DatasetPage:
    """The page of dataset `name` with these rows of it; `recipe` says what it is mixed with.

    Raises:
        UserError: its card is broken, or a dataset it is mixed with is missing.
        NotRepeated: only LLaMA-Factory can read its rows.
    """
    wish = mix_of(recipe) if recipe else None
    tokenizer = base_model(recipe.model).tokenizer_json if recipe and wish and wish.by == "tokens" else None
    return DatasetPage(
        name=name,
        rows=len(opened.lines),
        measured=measure(opened, model),
        shown=shown,
        card=load_card(dataset_dir, name),
        model=model,
        mix=planned(wish, dataset_dir, tokenizer) if wish else {},
        mixed=f"{wish.ratio:g} general : 1 domain, by {wish.by}, drawn with seed {wish.seed}." if wish else "",
    )


def measure(opened: Registered, model: Model | None) -> Measured:
    """Looks at no more than `ROWS_MEASURED` rows, evenly spread.

    Raises:
        NotRepeated: only LLaMA-Factory can read them.
    """
    every = len(opened.lines)
    places = np.unique(np.linspace(0, every - 1, min(every, ROWS_MEASURED)).astype(np.int64)).tolist()
    rows = [row for place in places if (row := opened.reader.read(opened.lines[place]))]
    answers = [row.messages[-1].content for row in rows]
    return Measured(
        rows=len(places),
        dropped=len(places) - len(rows),
        lengths=_tokens(rows, model) if model else [_characters(row) for row in rows],
        turns=dict(sorted(Counter(len(row.messages) // 2 for row in rows).items())),
        languages=languages(answers),
        labels=labels(answers) if answers else {},
    )


def seen(number: int, row: Row | None, model: Model | None) -> Shown:
    """A row, and with a model what it learns of it."""
    spans = view(row, model.template, model.encoder, model.masking) if row and model else None
    return Shown(number, row, spans)


def dataset_html(page: DatasetPage) -> str:
    """The page. The same dataset gives the same page."""
    parts = page.card.counts.parts() if page.card else []
    unit, cutoff = ("tokens", page.model.masking.cutoff_len) if page.model else ("characters", None)
    return rendered(
        "dataset.html.j2",
        ("style.css", "dataset.css"),
        {},
        page=page,
        card=page.card,
        measured=page.measured,
        unit=unit,
        cutoff=cutoff,
        quantiles=quantiles(page.measured.lengths),
        parts=[(what, count, TONES.get(what, "rejected")) for what, count in parts],
        drawn=drawings({"lengths": row_lengths_svg(page.measured.lengths, unit, cutoff)}),
    )


def _tokens(rows: Sequence[Row], model: Model) -> list[int]:
    return [
        length
        for start in range(0, len(rows), ROWS_AT_ONCE)
        for length in lengths(rows[start : start + ROWS_AT_ONCE], model.template, model.encoder, model.masking)
    ]


def _characters(row: Row) -> int:
    return len(row.system) + sum(len(said.content) for said in row.messages)
