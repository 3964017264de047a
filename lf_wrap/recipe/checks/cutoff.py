"""What `cutoff_len` takes away from the training rows, and whether their answers keep their ends."""

from __future__ import annotations

from collections.abc import Iterator

from lf_wrap.dataset import cut
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.llamafactory import always_ends_answers

WORTH_A_WORD = 0.001  # below one row of a thousand, nobody would change anything


def problems(case: Case) -> Iterator[Problem]:
    values, where = case.values, case.where("train.cutoff_len")
    cutoff_len, positions = values["cutoff_len"], case.model.max_positions if case.model else None
    if positions and cutoff_len > positions and not values["rope_scaling"]:
        what = f"cutoff_len {cutoff_len:,} is beyond the {positions:,} positions that the model was made for"
        yield Problem("warning", what, where, f"set cutoff_len: {positions}, or rope_scaling to stretch them")
    if values["stage"] != "sft" or values["tokenized_path"]:
        return
    for name, turns in case.lengths.items():
        lost = cut(turns, cutoff_len)
        if lost.rows_cut <= lost.rows * WORTH_A_WORD:
            continue
        what = (
            f"cutoff_len {cutoff_len:,} cuts about {_share(lost.rows_cut, lost.rows)} of the rows of {name!r}, "
            f"and {_share(lost.answer_tokens_cut, lost.answer_tokens)} of its answers' tokens"
        )
        if lost.rows_without_end and not always_ends_answers(case.recipe.template):
            what += f"; {lost.rows_without_end:,} rows lose the end of their answer: they teach not to stop"
        longest = turns.lengths().max
        fix = f"up to {longest:,} tokens are needed: raise cutoff_len, or split long chats (`cutoff_len:` in the spec)"
        yield Problem("warning", what, where, fix)


def _share(part: int, whole: int) -> str:
    return f"{part / max(1, whole):.1%}"
