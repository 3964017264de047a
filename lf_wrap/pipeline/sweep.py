"""A sweep: one run for every point of a grid, and one comparison of them all."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lf_wrap import evaluation
from lf_wrap.errors import Interrupted, LfwError
from lf_wrap.files import shown, whole_lines, write_text
from lf_wrap.pipeline.change import change, interval
from lf_wrap.pipeline.run import perform
from lf_wrap.pipeline.stages import Run
from lf_wrap.pipeline.training_log import LOG, read_steps
from lf_wrap.recipe import Point

DONE, FAILED = "done", "failed"


def sweep(
    points: Sequence[tuple[Point, Run]],
    folder: Path,
    check: Callable[[Run], None],
    *,
    first: str | None = None,
    last: str | None = None,
) -> dict[str, Any]:
    """Performs one run after the other; a failure is written down and the others go on. Returns the comparison.

    What `check` raises before a run counts as its failure.

    `sweep.json` and `sweep.md` in `folder` are written anew after every run, so that a sweep that is stopped has them
    too; the same sweep once more finds its runs where they are and goes on.

    Raises:
        Interrupted: we were asked to stop.
    """
    results: list[dict[str, Any]] = []
    for number, (point, run) in enumerate(points, start=1):
        values = ", ".join(f"{key} = {_text(value)}" for key, value in point.items())
        run.console.print(f"{number} of {len(points)}: {values}", style="bold")
        outcome, error = DONE, None
        try:
            check(run)
            perform(run, first=first, last=last)
        except Interrupted:
            raise
        except LfwError as failure:
            outcome, error = FAILED, str(failure)
            run.console.print(f"  failed: {failure}", style="bold red")
        results.append({"set": point, "outcome": outcome, "error": error, **_outcome(run)})
        compared = {"sweep": shown(folder), "points": len(points), "runs": results}
        write_text(folder / "sweep.json", json.dumps(compared, ensure_ascii=False, indent=2) + "\n")
        write_text(folder / "sweep.md", _markdown(results))
    return compared


def table(results: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The comparison as rows of text, the heading first: what was set, the losses, each test's headline, the time."""
    tests = list(dict.fromkeys(test for one in results for test in one["scores"]))
    heading = [*results[0]["set"], "train loss", "eval loss", *tests, "seconds", "run"]
    return [heading, *([*_cells(one, tests)] for one in results)]


def _cells(one: dict[str, Any], tests: list[str]) -> list[str]:
    losses = [f"{loss:.4f}" if loss is not None else "" for loss in (one["train_loss"], one["eval_loss"])]
    scores = [_score(one["scores"][test]) if test in one["scores"] else "" for test in tests]
    end = one["run_dir"] if one["outcome"] == DONE else f"{one['run_dir']} ({one['outcome']})"
    return [*map(_text, one["set"].values()), *losses, *scores, f"{one['seconds']:,.0f}", end]


def _score(score: dict[str, Any]) -> str:
    return f"{score['metric']}: {change(score)} ({interval(score)})"


def _outcome(run: Run) -> dict[str, Any]:
    """What a run has come to, read from its folder."""
    own = run.phases()[-1]
    losses = [step.loss for step in read_steps(own.weights) if step.loss is not None]
    eval_losses = [line["eval_loss"] for line in whole_lines(own.weights / LOG) if line.get("eval_loss") is not None]
    return {
        "run_dir": shown(run.folder.path),
        "train_loss": losses[-1] if losses else None,
        "eval_loss": eval_losses[-1] if eval_losses else None,
        "scores": _headlines(run),
        "seconds": round(sum(end.get("seconds", 0) for end in run.folder.events() if end["event"] == "end"), 1),
    }


def _headlines(run: Run) -> dict[str, Any]:
    """Of every test the metric that decides, base against tuned; none before the report is written."""
    if not run.folder.manifest.exists():
        return {}
    scores = json.loads(run.folder.manifest.read_text(encoding="utf-8"))["scores"]
    judged = {one.name: one.headline for one in evaluation.read_judged(run.folder.evaluation)}
    return {name: {"metric": judged[name], **scores[name][judged[name]]} for name in scores if name in judged}


def _markdown(results: Sequence[dict[str, Any]]) -> str:
    heading, *rows = [[cell.replace("|", "\\|") for cell in row] for row in table(results)]
    lines = [heading, ["---"] * len(heading), *rows]
    note = "Scores are base → tuned; in brackets the 95 % interval of the difference."
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}\n"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
