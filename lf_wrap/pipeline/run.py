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
SECONDS_TO_LEAVE = 300.0  # for a training that nobody watched to write its checkpoint


def perform(run: Run, *, first: str | None = None, last: str | None = None, only: str | None = None) -> dict[str, Any]:
    """Runs the stages from `first` (which is done again) to `last`; returns what `lfw run --json` prints.

    `only` runs that one stage, where it is not done, on what the earlier ones left.

    Raises:
        UserError: a stage name is unknown, the folder's path has a blank, another process works in it, or an input
            is not as it must be.
        ChildFailed: a child program failed.
        Interrupted: we were asked to stop.
    """
    names = [stage.name for stage in STAGES]
    for name in (first, last, only):
        if name is not None and name not in names:
            raise UserError(f"there is no stage {name!r}", fix=did_you_mean(name, names))
    if len(usable(run.folder.path).split()) > 1:
        raise UserError(
            f"the run folder {shown(run.folder.path)} has a blank in its path",
            fix="choose another with --run-dir: with several GPUs, LLaMA-Factory takes its command apart there",
        )
    redo_from = names.index(first) if first else len(names)
    if run.hardware.nodes.rank:
        last = "train"  # the weights are on node 0, which does the rest
    wanted = STAGES[: names.index(last) + 1] if last else STAGES
    run.folder.lock.parent.mkdir(parents=True, exist_ok=True)
    outcome = {}
    try:
        with FileLock(run.folder.lock, timeout=0):
            _take_over(run)
            start(run.folder, run.recipe)
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
