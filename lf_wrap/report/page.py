"""The report as one HTML file. It loads nothing, runs nothing, and escapes all text that is not its own."""

from __future__ import annotations

from lf_wrap.report.html import drawings, rendered
from lf_wrap.report.plots import difference_svg, lengths_svg, loss_svg, scores_svg
from lf_wrap.report.report import FATES, Report, amount, change, fates, pairs

ROWS_SHOWN = 200
"""Of each question set; the rest is in `evaluation/`. The first, not the best, so that nobody chose them."""


def to_html(report: Report) -> str:
    """The page. The same report gives the same page."""
    headlines = [(one, found) for one in report.judged if (found := report.headline(one))]
    with_answers = [one for one in report.judged if one.base and one.tuned]
    drawn = {
        "differences": difference_svg([(f"{one.name}: {one.headline}", one, found) for one, found in headlines]),
        "loss": loss_svg(report.losses),
        "lengths": {one.name: lengths_svg(one) for one in with_answers},
        "scores": {one.name: scores_svg(one) for one in with_answers},
    }
    return rendered(
        "page.html.j2",
        ("style.css",),
        {"amount": amount, "change": change},
        report=report,
        manifest=report.manifest,
        drawn=drawings(drawn),
        fate_names=FATES,
        fates=fates,
        pairs=pairs,
        rows_shown=ROWS_SHOWN,
    )
