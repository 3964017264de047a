"""A loss that is not a number must not be logged as 0."""

from __future__ import annotations

from collections.abc import Iterator

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem


def problems(case: Case) -> Iterator[Problem]:
    if case.recipe.train.get("logging_nan_inf_filter"):
        what = "logging_nan_inf_filter hides a loss of NaN or infinity: it is logged as if nothing had happened"
        fix = "take it out: lfw sets it to false"
        yield Problem("warning", what, case.where("train.logging_nan_inf_filter"), fix)
