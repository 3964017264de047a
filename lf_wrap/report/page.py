"""The report page: what got better and how sure that is, the loss curve, answers side by side, what went in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from lf_wrap.evaluation import Comparison
from lf_wrap.files import write_text
from lf_wrap.report.plots import difference_svg, loss_svg


@dataclass(frozen=True)
class Answer:
    """One test row and what both models said to it; scores are those of the headline metric."""

    row: int
    question: str
    reference: str
    base: str
    tuned: str
    base_score: float
    tuned_score: float


@dataclass(frozen=True)
class Judged:
    """One test dataset: its comparisons by metric, and some of its answers."""

    dataset: str
    headline: str
    counted: frozenset[str]
    scores: Mapping[str, Comparison]
    answers: list[Answer]

    @property
    def main(self) -> Comparison:
        return self.scores[self.headline]


@dataclass(frozen=True)
class ReportPage:
    """Everything on the page."""

    manifest: dict[str, Any]
    losses: list[tuple[int, float]]
    judged: list[Judged]
    train_yaml: str


def write_report(path: Path, page: ReportPage) -> None:
    """Writes the page as one HTML file with nothing to load from elsewhere. All text is escaped."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    template = files("lf_wrap.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["amount"] = amount
    mains = [(f"{one.dataset}: {one.headline}", one.main) for one in page.judged]
    html = environment.from_string(template).render(
        page=page,
        manifest=page.manifest,
        loss=Markup(loss_svg(page.losses)) if page.losses else None,  # noqa: S704  (drawn by us from numbers)
        differences=Markup(difference_svg(mains)) if mains else None,  # noqa: S704
    )
    write_text(path, html)


def amount(value: float, n: int, metric: str, judged: Judged) -> str:
    """A mean as people read it: `27 of 40 (67.5 %)` for yes-or-no metrics, `67.5 %` for the others."""
    percent = f"{100 * value:.1f} %"
    return f"{round(value * n)} of {n} ({percent})" if metric in judged.counted else percent
