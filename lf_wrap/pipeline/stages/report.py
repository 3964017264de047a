"""Report: the scores compared in pairs, the manifest and the page."""

from __future__ import annotations

from pathlib import Path

from lf_wrap import evaluation
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.pipeline.summary import write_summary
from lf_wrap.pipeline.training_log import read_steps


def _report_inputs(run: Run) -> dict[str, str]:
    opinions = run.folder.hashes(run.folder.opinions())
    return {**run.left_by("train"), **run.left_by("evaluate"), **opinions}


def _left(run: Run) -> list[Path]:
    page = run.folder.report
    return [page, page.with_suffix(".md"), page.with_suffix(".json"), run.folder.manifest]


def _report(run: Run) -> None:
    judged = evaluation.read_judged(run.folder.evaluation)
    write_summary(run.recipe, run.folder, run.before, run.dataset_dir, run.hardware, read_steps(run.weights), judged)


REPORT = Stage("report", _report_inputs, _left, _report)
