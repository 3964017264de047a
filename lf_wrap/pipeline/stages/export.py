"""Export: the adapter merged into the base model, or the tuned weights put into final form."""

from __future__ import annotations

import shutil

from lf_wrap.files import sha256, usable
from lf_wrap.pipeline.launch import launch, llamafactory_cli
from lf_wrap.pipeline.progress import progress
from lf_wrap.pipeline.stages.stage import Run, Stage


def _export_inputs(run: Run) -> dict[str, str]:
    return {**run.left_by("train"), "export.yaml": sha256(run.folder.export_yaml)}


def _export(run: Run) -> None:
    shutil.rmtree(run.folder.model, ignore_errors=True)
    with progress(run.console, "export") as line:
        launch(
            [llamafactory_cli(), "export", usable(run.folder.export_yaml)],
            run.folder.log("export"),
            lambda: line.at(0, note="merging"),
            run.environment(),
        )


EXPORT = Stage("export", _export_inputs, lambda run: [run.folder.model], _export)
