"""The report as one HTML file. It loads nothing, runs nothing, and escapes all text that is not its own."""

from __future__ import annotations

from importlib.resources import files

from lf_wrap.report.plain import plain
from lf_wrap.report.plots import difference_svg, lengths_svg, loss_svg, scores_svg
from lf_wrap.report.report import FATES, Report, amount, change, fates, pairs

ROWS_SHOWN = 200
"""Of each question set; the rest is in `evaluation/`. The first, not the best, so that nobody chose them."""


def to_html(report: Report) -> str:
    """The page. The same report gives the same page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("lf_wrap.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else _safe(value),
    )
    environment.filters |= {"amount": amount, "change": change, "plain": plain}
    style = files("lf_wrap.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    headlines = [(one, found) for one in report.judged if (found := report.headline(one))]
    with_answers = [one for one in report.judged if one.base and one.tuned]
    drawn = {
        "differences": difference_svg([(f"{one.name}: {one.headline}", one, found) for one, found in headlines]),
        "loss": loss_svg(report.losses),
        "lengths": {one.name: lengths_svg(one) for one in with_answers},
        "scores": {one.name: scores_svg(one) for one in with_answers},
    }
    return environment.get_template("page.html.j2").render(
        report=report,
        manifest=report.manifest,
        style=Markup(style),  # noqa: S704  (our own file)
        drawn=_marked(drawn),
        fate_names=FATES,
        fates=fates,
        pairs=pairs,
        rows_shown=ROWS_SHOWN,
    )


def _safe(value: object) -> object:
    """What is printed into the page: lone surrogates, which no file can hold, become visible."""
    return plain(value, longest=1_000_000) if isinstance(value, str) else value


def _marked(drawn: object) -> object:
    """Drawings are ours, made from numbers and from escaped names: they go into the page as they are."""
    from markupsafe import Markup

    if isinstance(drawn, dict):
        return {name: _marked(one) for name, one in drawn.items()}
    return Markup(drawn) if drawn else None  # noqa: S704
