"""The rows of a dataset are what its entry says, and none is dropped by LLaMA-Factory without a word but in its log.

lfw's own datasets are sound when they are built; others may hold chats that do not alternate from user to assistant.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lf_wrap.conversation import Conversation
from lf_wrap.dataset import conversations, registered
from lf_wrap.errors import UserError
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.datasets import named
from lf_wrap.recipe.checks.problem import Problem, from_error

ROWS_LOOKED_AT = 2000


def problems(case: Case) -> Iterator[Problem]:
    if case.values["stage"] not in {"sft", "pt"}:
        return
    for key, name in named(case):
        try:
            entry = registered(case.dataset_dir).get(name, {})
            if not (case.dataset_dir / str(entry.get("file_name"))).exists():
                continue  # told by the check of the datasets, or it lies on a hub
            rows = list(islice(conversations(case.dataset_dir, name), ROWS_LOOKED_AT))
        except UserError as error:
            yield from_error(error, case.where(key))
            continue
        if not rows:
            yield Problem("error", f"dataset {name!r} holds no rows", case.where(key), "build it again, or take it out")
        elif case.values["stage"] == "sft" and (dropped := sum(not _trains(row) for row in rows)):
            told = f"{dropped:,} of the first {len(rows):,} rows of {name!r}"
            what = f"{told} do not alternate from user to assistant: LLaMA-Factory drops them"
            fix = "build the dataset with `lfw build-data`, which mends or rejects such rows and says so"
            yield Problem("error" if dropped == len(rows) else "warning", what, case.where(key), fix)


def _trains(row: Conversation) -> bool:
    roles = [turn.role for turn in row.turns]
    return len(roles) % 2 == 0 and roles == ["user", "assistant"] * (len(roles) // 2) and bool(roles)
