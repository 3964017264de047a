"""`lfw run --sweep`: the runs of a grid, and their comparison on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lf_wrap.cli.output import print_json
from lf_wrap.errors import ChildFailed

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
    """
    import hashlib

    from lf_wrap.files import shown
    from lf_wrap.pipeline import sweep
    from lf_wrap.recipe import grid, overrides

    # Every recipe is read before the first is run: a value that cannot be must not show after a night.
    points = [(point, start(overrides(point))) for point in grid(wishes)]
    digest = hashlib.sha256("\n".join(run.folder.path.name[-8:] for _, run in points).encode()).hexdigest()[:8]
    folder = Path("runs") / points[0][1].recipe.name / "sweeps" / digest
    compared = sweep(points, folder, check, first=first, last=last)
    _tell(compared["runs"], screen)
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


def _tell(results: list[dict[str, Any]], screen: Console) -> None:
    from rich.table import Table

    from lf_wrap.pipeline import sweep_table

    heading, *rows = sweep_table(results)
    shown_table = Table(*heading, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        shown_table.add_row(*row)
    screen.print(shown_table)
