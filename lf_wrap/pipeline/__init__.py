"""A run, from raw files to the report: its folder and ledger, its stages, the children it starts."""

from lf_wrap.pipeline.asking import ask
from lf_wrap.pipeline.change import change, interval
from lf_wrap.pipeline.estimate import training_seconds
from lf_wrap.pipeline.forms import export_forms, trained_run
from lf_wrap.pipeline.judging import have_judged, judging_estimated
from lf_wrap.pipeline.launch import llamafactory_cli
from lf_wrap.pipeline.plan import plan
from lf_wrap.pipeline.run import perform, scores_of
from lf_wrap.pipeline.run_folder import RunFolder, run_folder
from lf_wrap.pipeline.side_by_side import Evaluated, SideBySide, differing_settings, read_run, read_runs, side_by_side
from lf_wrap.pipeline.stages import STAGES, Run, render
from lf_wrap.pipeline.sweep import sweep
from lf_wrap.pipeline.sweep import table as sweep_table
from lf_wrap.pipeline.workspace import lay_out

__all__ = [
    "STAGES",
    "Evaluated",
    "Run",
    "RunFolder",
    "SideBySide",
    "ask",
    "change",
    "differing_settings",
    "export_forms",
    "have_judged",
    "interval",
    "judging_estimated",
    "lay_out",
    "llamafactory_cli",
    "perform",
    "plan",
    "read_run",
    "read_runs",
    "render",
    "run_folder",
    "scores_of",
    "side_by_side",
    "sweep",
    "sweep_table",
    "trained_run",
    "training_seconds",
]
