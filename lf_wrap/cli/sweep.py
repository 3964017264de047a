"""`lfw run --sweep`: the runs of a grid, and their comparison on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lf_wrap.cli.output import print_json
from lf_wrap.errors import ChildFailed, Interrupted

if TYPE_CHECKING:
    from rich.console import Console

    from lf_wrap.pipeline import Run


def run_sweep(
    wishes: tuple[str, ...],
    start: Callable[[list[str]], Run],
    check: Callable[[Run], None],
    screen: Console,
    *,
    first: str | None,
    last: str | None,
    as_json: bool,
) -> None:
    """Performs the run that `start` makes of each point's overrides unless `check` refuses it; prints the comparison.

    Raises:
        ChildFailed: some of the runs failed; the others are done all the same.
        Interrupted: we were asked to stop.
    """
    import hashlib

    from lf_wrap.files import shown
    from lf_wrap.pipeline import sweep
    from lf_wrap.recipe import grid, overrides

    # Every recipe is read before the first is run: a value that cannot be must not show after a night.
    points = [(point, start(overrides(point))) for point in grid(wishes)]
    digest = hashlib.sha256("\n".join(run.folder.path.name[-8:] for _, run in points).encode()).hexdigest()[:8]
    folder = Path("runs") / points[0][1].recipe.name / "sweeps" / digest
    try:
        compared = sweep(points, folder, check, first=first, last=last)
    except Interrupted:
        if (folder / "sweep.md").exists():
            screen.print(f"comparison so far: {shown(folder / 'sweep.md')}")
        raise
    tell(compared["runs"], screen)
    screen.print(f"comparison: {shown(folder / 'sweep.md')}")
    if as_json:
        print_json(compared)
    failed = [one for one in compared["runs"] if one["error"]]
    if failed:
        raise ChildFailed(
            f"{len(failed)} of {len(points)} runs of the sweep failed",
            where=failed[0]["run_dir"],
            fix="mend the cause (each run's error is in sweep.json) and run the same command: what is done stays done",
        )


def tell(results: list[dict[str, Any]], screen: Console) -> None:
    """The comparison as a table; columns that say nothing of any run are left out."""
    from rich.table import Table

    from lf_wrap.pipeline import sweep_table

    heading, *rows = sweep_table(results)
    values, last = len(results[0]["set"]), len(heading) - 1
    short = [name.rpartition(".")[2] for name in heading]
    told = [number for number in range(len(heading)) if any(row[number] for row in rows)]
    shown_table = Table(box=None, header_style="bold", pad_edge=False)
    for number in told:  # the run's folder alone is broken where a terminal is narrow
        name = short[number] if short.count(short[number]) == 1 else heading[number]
        shown_table.add_column(name, overflow="fold", no_wrap=number < last, min_width=8)
    for row in rows:
        shown_table.add_row(*(row[number] if number < values else _in_lines(row[number]) for number in told))
    screen.print(shown_table)


def _in_lines(cell: str) -> str:
    """A metric, its change and how sure that is, below each other."""
    return cell.replace(": ", "\n").replace(" (", "\n(")
