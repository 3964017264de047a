"""The report's pictures, drawn as SVG text so that the page stays one file, in colours that the page's style names."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

from lf_wrap.evaluation import Comparison, JudgedSet
from lf_wrap.report.plain import plain

# Drawn in these, then put in the words of style.css: so the pictures follow the page into the dark.
INK, BASE, TUNED, LINE, REFERENCE, CUT = "#4d4d4e", "#9aa5b1", "#0b7285", "#c0c6cc", "#b08d3e", "#b3303c"
IN_CSS = {
    INK: "var(--soft)",
    BASE: "var(--base)",
    TUNED: "var(--tuned)",
    LINE: "var(--line)",
    REFERENCE: "var(--reference)",
    CUT: "var(--bad)",
}
# Names are drawn as they are written, in the first of these fonts that has the letters: here or where it is read.
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "lfw",
    "text.parse_math": False,
    "font.family": ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
}
BINS = 24


def loss_svg(losses: Sequence[tuple[int, float]]) -> str:
    """Training loss over steps, with its running mean; nothing where none was logged."""
    if not losses:
        return ""
    steps, values = [step for step, _ in losses], [value for _, value in losses]

    def draw(axes: Any) -> None:
        axes.plot(steps, values, color=BASE, linewidth=1, label="logged")
        axes.plot(steps, _running_mean(values), color=TUNED, linewidth=2, label="running mean")
        axes.set_xlabel("step")
        axes.set_ylabel("training loss")
        axes.set_ylim(bottom=0)
        axes.legend()

    return _svg(7.6, 2.8, draw)


def difference_svg(comparisons: Sequence[tuple[str, JudgedSet, Comparison]]) -> str:
    """For each comparison, under its title, the difference tuned - base with its 95 % interval, in percentage points.

    Metrics that are not in percent have no place on this axis and are left to the table.
    """
    shown = [(title, found) for title, one, found in comparisons if one.metrics[one.headline].unit == "%" and found.n]
    if not shown:
        return ""

    def draw(axes: Any) -> None:
        for place, (_, found) in enumerate(shown):
            low, high = (max(-1.0, min(1.0, end)) for end in found.interval)
            axes.plot([100 * low, 100 * high], [place, place], color=BASE, linewidth=5, solid_capstyle="round")
            axes.plot(100 * found.difference, place, "o", color=TUNED, markersize=8)
        axes.axvline(0, color=INK, linewidth=1)
        axes.set_yticks(range(len(shown)), [plain(title, 40) for title, _ in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlabel("tuned − base, percentage points (95 % interval)", loc="right")  # long names leave little room

    return _svg(7.6, 0.9 + 0.4 * len(shown), draw)


def lengths_svg(one: JudgedSet) -> str:
    """How long the answers of both models and the references are, in characters."""
    texts = {
        "references": (REFERENCE, [row.reference for row in one.tuned if row.references]),
        "base": (BASE, [row.answer for row in one.base if not row.failure]),
        "tuned": (TUNED, [row.answer for row in one.tuned if not row.failure]),
    }
    lengths = {name: (colour, [float(len(text)) for text in some]) for name, (colour, some) in texts.items()}
    return _distribution(lengths, "characters an answer")


def row_lengths_svg(lengths: Sequence[int], unit: str, cutoff: int | None) -> str:
    """How long rows are, and in another colour those that `cutoff` cuts; nothing where there are no rows.

    A few rows far longer than the rest would press all others into one bar: where the longest is over four times the
    99th percentile, the axis ends at twice that and its last bar holds them all.
    """
    import numpy

    if not lengths:
        return ""
    values = numpy.asarray(lengths)
    p99 = float(numpy.percentile(values, 99, method="nearest"))
    longest = float(values.max())
    end = max(1.0, longest if longest <= 4 * p99 else 2 * p99)
    if cutoff and cutoff <= 2 * end:
        end = max(end, 1.02 * cutoff)
    edges = numpy.linspace(0, end, 2 * BINS + 1)
    shown = numpy.minimum(values, end)
    cut = values > cutoff if cutoff else numpy.zeros(len(values), bool)

    def draw(axes: Any) -> None:
        parts = ([shown[~cut], shown[cut]], [TUNED, CUT])
        axes.hist(parts[0], edges, color=parts[1], stacked=True, rwidth=0.88, label=["kept whole", "cut"])
        if cutoff and cutoff <= end:
            axes.axvline(cutoff, color=CUT, linewidth=1.4, linestyle=(0, (4, 3)))
            above = axes.get_xaxis_transform()
            axes.text(
                cutoff,
                1.02,
                f"cutoff_len {cutoff:,}",
                color=CUT,
                ha="right" if cutoff > end / 2 else "left",
                transform=above,
            )
        axes.set_xlim(0, end)
        axes.set_xlabel(f"{unit} a row" + (f" (the last bar: {end:,.0f} to {longest:,.0f})" if longest > end else ""))
        axes.set_ylabel("rows")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        axes.yaxis.set_major_formatter("{x:,.0f}")

    from matplotlib.ticker import MaxNLocator

    return _svg(9.6, 2.9, draw)


def scores_svg(one: JudgedSet) -> str:
    """How the headline scores of both models are spread; nothing for yes-or-no metrics, which the counts tell."""
    if one.metrics[one.headline].counted:
        return ""
    scores = {
        name: (colour, [row.scores[one.headline] for row in rows if one.headline in row.scores])
        for name, colour, rows in (("base", BASE, one.base), ("tuned", TUNED, one.tuned))
    }
    return _distribution(scores, plain(one.headline, 40))


def _distribution(values: dict[str, tuple[str, list[float]]], title: str) -> str:
    """Histograms over one another, in bins that all share."""
    import numpy

    finite = {name: (colour, [value for value in some if isfinite(value)]) for name, (colour, some) in values.items()}
    everything = [value for _, some in finite.values() for value in some]
    if not everything:
        return ""
    edges = numpy.histogram_bin_edges(everything, BINS)

    def draw(axes: Any) -> None:
        for name, (colour, some) in finite.items():
            axes.hist(some, edges, histtype="stepfilled", color=colour, alpha=0.22)
            axes.hist(some, edges, histtype="step", color=colour, linewidth=1.6, label=name)
        axes.set_xlabel(title)
        axes.set_ylabel("answers")
        axes.legend()

    return _svg(5.0, 2.3, draw)


def _running_mean(values: Sequence[float], window: int = 5) -> list[float]:
    means = []
    for end in range(1, len(values) + 1):
        part = values[max(0, end - window) : end]
        means.append(sum(part) / len(part))
    return means


def _svg(width: float, height: float, draw: Callable[[Any], None]) -> str:
    """A picture of so many inches, as an `<svg>` element; `draw` gets its axes."""
    import matplotlib
    from matplotlib.figure import Figure

    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE), _silent_about_fonts():
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    for colour, name in IN_CSS.items():
        text = text.replace(colour, name)
    return text[text.index("<svg") :]


@contextmanager
def _silent_about_fonts() -> Iterator[None]:
    """Fonts and letters that are missing here only cost a rough measure of the text: the reader's browser draws it."""

    def other(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("findfont: Font family")

    logger = logging.getLogger("matplotlib.font_manager")
    logger.addFilter(other)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
            yield
    finally:
        logger.removeFilter(other)
