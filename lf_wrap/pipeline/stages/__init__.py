"""The stages of a run, one file each: what a stage depends on, what it leaves, and what it does."""

from lf_wrap.pipeline.stages.build import BUILD, render
from lf_wrap.pipeline.stages.evaluate import EVALUATE
from lf_wrap.pipeline.stages.export import EXPORT
from lf_wrap.pipeline.stages.report import REPORT
from lf_wrap.pipeline.stages.stage import Run, Stage
from lf_wrap.pipeline.stages.tokenize import TOKENIZE
from lf_wrap.pipeline.stages.train import TRAIN

STAGES: tuple[Stage, ...] = (BUILD, TOKENIZE, TRAIN, EXPORT, EVALUATE, REPORT)

__all__ = ["STAGES", "Run", "Stage", "render"]
