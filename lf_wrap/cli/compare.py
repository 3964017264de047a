"""`lfw compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lf_wrap.cli.complete import runs as run_folders
from lf_wrap.cli.output import console, json_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.evaluation import Comparison, Metric
    from lf_wrap.pipeline import SideBySide


@click.command("compare")
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    metavar="RUN...",
    type=click.Path(file_okay=False, path_type=Path),
    shell_complete=run_folders,
)
@json_option
def command(runs: tuple[Path, ...], as_json: bool) -> None:
    """Hold runs side by side on the questions that all of them were asked; the others against the first.

    Needs run folders whose stage evaluate is done. Tells in which settings they differ, each metric with the difference
    and its 95 % interval, and whether that is better, worse or more than these answers can tell. One RUN alone: its
    base against its tuned model. Asks no model, writes nothing.

    \b
    Examples:
      lfw compare runs/med_sft_lora/20260101-*
      lfw compare runs/rank8/20260101-101500.0-1a2b runs/rank64/20260101-113000.0-3c4d --json
    """
    from lf_wrap.pipeline import differing_settings, read_runs, side_by_side

    read = read_runs(runs)
    found, settings, screen = side_by_side(read), differing_settings(read), console(as_json)
    if settings:
        _tell_settings([run.name for run in read], settings, screen)
    _tell_scores(found, screen)
    ranking = found.ranking()
    if len(found.models) > 2:
        screen.print(
            "mean rank over the headline metrics: " + ", ".join(f"{name} {place:g}" for name, place in ranking)
        )
    if as_json:
        print_json(
            {
                "models": found.models,
                "settings": settings,
                "comparisons": [
                    {
                        "model": model,
                        "against": found.models[0],
                        "scores": {
                            name: {metric: one.to_json() for metric, one in of_set.items()}
                            for name, of_set in compared.items()
                        },
                    }
                    for model, compared in found.against_first.items()
                ],
                "ranking": [{"model": model, "mean_rank": place} for model, place in ranking],
            }
        )


def _tell_settings(names: list[str], settings: dict[str, list[Any]], screen: Console) -> None:
    from rich.table import Table

    table = Table("what differs", *names, box=None, pad_edge=False, header_style="bold")
    for key, values in settings.items():
        table.add_row(key, *("" if value is None else str(value) for value in values))
    screen.print(table)
    screen.print()


def _tell_scores(found: SideBySide, screen: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    first, *others = found.models
    table = Table("questions", "metric", first, *others, box=None, pad_edge=False, header_style="bold")
    reasons = []
    for name, one in found.sets.items():
        for place, (metric, how) in enumerate(one.metrics.items()):
            compared = {model: of_sets[name].get(metric) for model, of_sets in found.against_first.items()}
            cells = [_cell(known, how) if known else Text("") for known in compared.values()]
            mean = found.score(first, name, metric)
            questions = Text("" if place else f"{name} ({len(found.answers[name][first])})")
            table.add_row(questions, metric, _amount(mean, how), *cells)
        headlines = {model: of_sets[name].get(one.headline) for model, of_sets in found.against_first.items()}
        reasons += [
            Text.assemble(
                f"{name}, {one.headline}: {model} is ", (known.verdict, "bold"), f" at n = {known.n}: {known.why}"
            )
            for model, known in headlines.items()
            if known
        ]
    screen.print(table)
    screen.print()
    for reason in reasons:
        screen.print(reason)


def _cell(one: Comparison, how: Metric) -> Any:
    from rich.text import Text

    scale = 100 if how.unit == "%" else 1
    low, high = one.interval
    colour = {"better": "green", "worse": "red"}.get(one.verdict, "dim")
    told = f" {scale * one.difference:+.1f} [{scale * low:+.1f}, {scale * high:+.1f}]"
    return Text.assemble(_amount(one.tuned, how), (told, colour))


def _amount(value: float | None, how: Metric) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f} %" if how.unit == "%" else f"{value:.3g}"
