"""The report's pictures, drawn as SVG text so that the page stays one file."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lf_wrap.evaluation import Comparison

# Names are drawn as they are written, in the first of these fonts that has the letters: here or where it is read.
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "lfw",
    "text.parse_math": False,
    "font.family": ["Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", "DejaVu Sans"],
}
INK, BASE, TUNED, ZERO = "#444", "#9aa5b1", "#0b7285", "#c0c6cc"


def loss_svg(losses: Sequence[tuple[int, float]]) -> str:
    """Training loss over steps, with its running mean."""
    steps, values = [step for step, _ in losses], [value for _, value in losses]

    def draw(axes: Any) -> None:
        axes.plot(steps, values, color=BASE, linewidth=1, label="logged")
        axes.plot(steps, _running_mean(values), color=TUNED, linewidth=2, label="running mean")
        axes.set_xlabel("step")
        axes.set_ylabel("training loss")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)

    return _svg(7.2, 2.8, draw)


def difference_svg(comparisons: Sequence[tuple[str, Comparison]]) -> str:
    """For each comparison, under its title, the difference tuned - base with its 95 % interval."""

    def draw(axes: Any) -> None:
        for place, (_, one) in enumerate(comparisons):
            low, high = one.interval
            axes.plot([100 * low, 100 * high], [place, place], color=TUNED, linewidth=3, solid_capstyle="round")
            axes.plot(100 * one.difference, place, "o", color=TUNED, markersize=8)
        axes.axvline(0, color=ZERO, linewidth=1)
        axes.set_yticks(range(len(comparisons)), [title for title, _ in comparisons])
        axes.set_ylim(len(comparisons) - 0.5, -0.5)
        axes.set_xlabel("tuned − base, percentage points (95 % interval)")

    return _svg(7.2, 0.9 + 0.45 * len(comparisons), draw)


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
        axes.tick_params(colors=INK, labelsize=9)
        draw(axes)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
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
