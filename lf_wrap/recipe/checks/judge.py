"""The key of the recipe's judge is there before the training, not missed after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem

HERE = {"localhost", "127.0.0.1", "::1"}  # a server on this machine asks for no key, as a rule


def problems(case: Case) -> Iterator[Problem]:
    judge = case.recipe.evaluate.judge
    if judge is None:
        return
    address = urlsplit(judge.base_url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        fix = "write it as https://host/v1"
        yield Problem("error", f"{judge.base_url!r} is no address", case.where("evaluate.judge.base_url"), fix)
    elif address.hostname not in HERE and not os.environ.get(judge.key_env):
        what = f"the judge's key is missing: the environment has no {judge.key_env}"
        fix = f"export {judge.key_env}=…, or name another variable as `key_env`; any word, where a server asks for none"
        yield Problem("error", what, case.where("evaluate.judge.key_env"), fix)
    if judge.rubric.endswith((".yaml", ".yml")) and not Path(judge.rubric).is_file():
        where = case.where("evaluate.judge.rubric")
        yield Problem("error", f"the rubric {judge.rubric} does not exist", where, "correct its path")
