"""A run: each stage in turn, skipped when what it left still holds."""

from __future__ import annotations

import json
import time
from typing import Any

from filelock import FileLock, Timeout

from lf_wrap.errors import LfwError, UserError, did_you_mean
from lf_wrap.files import shown, usable
from lf_wrap.pipeline.family import Leave, end, started_for
from lf_wrap.pipeline.run_folder import start
from lf_wrap.pipeline.stages import STAGES, Run

DONE, SKIPPED, FAILED = "done", "skipped", "failed"
FIRST = STAGES[0].name
SECONDS_TO_LEAVE = 300.0  # for a training that nobody watched to write its checkpoint


def perform(run: Run, *, first: str | None = None, last: str | None = None, only: str | None = None) -> dict[str, Any]:
    """Runs the stages from `first` (which is done again) to `last`; returns what `lfw run --json` prints.

    What the recipe has `before` comes first, each phase a run of its own in a folder below this one; `first` and
    `last` may name a phase too. `only` runs that one stage, where it is not done, on what the earlier ones left.

    Raises:
        UserError: a stage name is unknown, the folder's path has a blank, another process works in it, or an input
            is not as it must be.
        ChildFailed: a child program failed.
        Interrupted: we were asked to stop.
    """
    _check(run, [name for name in (first, last, only) if name])
    *before, own = run.phases()
    names = list(run.recipe.before)
    run.folder.lock.parent.mkdir(parents=True, exist_ok=True)
    outcome: dict[str, str] = {}
    try:
        with FileLock(run.folder.lock, timeout=0):
            start(run.folder, run.recipe)
            for name, phase in zip(names, before, strict=True) if only is None else ():
                run.console.print(f"before: {name}", style="bold")
                again = first in names[: names.index(name) + 1]
                done = perform(phase, first=FIRST if again else None, last="export")["stages"]
                outcome[f"before.{name}"] = DONE if DONE in (done["train"], done["export"]) else SKIPPED
                if name == last:
                    break
            if last not in names:
                _perform_stages(own, FIRST if first in names else first, last, only, outcome)
    except Timeout:
        raise UserError(
            f"another lfw is at work in {shown(run.folder.path)}", fix="wait for it, or start a new run with --fresh"
        ) from None
    return {
        "run_dir": shown(run.folder.path),
        "stages": outcome,
        "scores": scores_of(run),
        "report": shown(run.folder.report) if run.folder.report.exists() else None,
    }


def _check(run: Run, asked_for: list[str]) -> None:
    """Refuses what cannot be run, before anything is written."""
    known = [*run.recipe.before, *(stage.name for stage in STAGES)]
    if len(set(known)) < len(known):
        raise UserError("a phase has the name of a stage", where="before", fix="name it after what it teaches")
    for name in asked_for:
        if name not in known:
            raise UserError(f"there is no stage {name!r}", fix=did_you_mean(name, known))
    if run.recipe.before and run.hardware.nodes.count > 1:
        raise UserError(
            "a recipe with phases cannot run on several nodes: the weights in between are on node 0 alone",
            where="before",
            fix="run each phase as a recipe, with `begin_from` the model of the one before it",
        )
    if len(usable(run.folder.path).split()) > 1:
        raise UserError(
            f"the run folder {shown(run.folder.path)} has a blank in its path",
            fix="choose another with --run-dir: with several GPUs, LLaMA-Factory takes its command apart there",
        )


def _perform_stages(run: Run, first: str | None, last: str | None, only: str | None, outcome: dict[str, str]) -> None:
    """The stages of one training in turn; `outcome` is told what became of each."""
    names = [stage.name for stage in STAGES]
    redo_from = names.index(first) if first else len(names)
    if run.hardware.nodes.rank:
        last = "train"  # the weights are on node 0, which does the rest
    wanted = STAGES[: names.index(last) + 1] if last else STAGES
    _take_over(run)
    for number, stage in enumerate(wanted):
        if only not in (None, stage.name):
            continue
        inputs = stage.inputs(run)
        if number < redo_from and run.folder.still_done(stage.name, inputs, stage.outputs(run)):
            outcome[stage.name] = SKIPPED
            run.console.print(f"{stage.name:9} done before", style="dim")
            continue
        run.console.print(stage.name, style="bold")
        if number >= redo_from:
            stage.forget(run)
        outcome[stage.name] = FAILED
        _perform_one(run, number, inputs)
        outcome[stage.name] = DONE


def _take_over(run: Run) -> None:
    """Ends what a killed lfw left running for this folder, which it would otherwise be in a fight with."""
    left = started_for(run.folder.logs)
    if left:
        run.console.print(f"an earlier lfw was killed, and {len(left)} of its processes still run: stopping them")
        end(run.folder.logs, leave=Leave(SECONDS_TO_LEAVE))


def _perform_one(run: Run, number: int, inputs: dict[str, str]) -> None:
    stage = STAGES[number]
    run.folder.record(stage.name, "start", inputs=inputs)
    began = time.monotonic()
    try:
        stage.do(run)
    except BaseException as error:
        code = error.exit_code if isinstance(error, LfwError) else 130 if isinstance(error, KeyboardInterrupt) else 1
        run.folder.record(stage.name, "end", exit=code, inputs=inputs, seconds=round(time.monotonic() - began, 2))
        raise
    seconds = round(time.monotonic() - began, 2)
    outputs = run.folder.hashes(stage.outputs(run))
    run.folder.record(stage.name, "end", exit=0, inputs=inputs, outputs=outputs, seconds=seconds)
    run.console.print(f"  {seconds:,.1f} s", style="dim")


def scores_of(run: Run) -> dict[str, Any]:
    """The comparisons in the run's manifest: {dataset: {metric: comparison}}; none before the report is written."""
    if not run.folder.manifest.exists():
        return {}
    scores: dict[str, Any] = json.loads(run.folder.manifest.read_text(encoding="utf-8"))["scores"]
    return scores
