"""What `cutoff_len` takes away from the training rows, and whether their answers keep their ends."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from lf_wrap.dataset import Cut, cut, cut_at_most
from lf_wrap.dataset.tokenized import Described, NotRepeated, pair_lengths_of
from lf_wrap.errors import ChildFailed, UserError
from lf_wrap.recipe.checks.case import Case
from lf_wrap.recipe.checks.problem import Problem
from lf_wrap.recipe.llamafactory import always_ends_answers
from lf_wrap.recipe.tokenizing import Tokenizing, tokenizing

WORTH_A_WORD = 0.001  # below one row of a thousand, nobody would change anything


def problems(case: Case) -> Iterator[Problem]:
    values, where = case.values, case.where("train.cutoff_len")
    cutoff_len, positions = values["cutoff_len"], case.model.max_positions if case.model else None
    if positions and cutoff_len > positions and not values["rope_scaling"]:
        what = f"cutoff_len {cutoff_len:,} is beyond the {positions:,} positions that the model was made for"
        yield Problem("warning", what, where, f"set cutoff_len: {positions}, or rope_scaling to stretch them")
    if values["stage"] != "sft" or values["tokenized_path"]:
        return
    exactly = _Exactly(case)
    for name, turns in case.lengths.items():
        lost, sure = cut_at_most(turns, cutoff_len), ""
        if lost.rows_cut > lost.rows * WORTH_A_WORD:
            exact = exactly.cut(name)
            lost, sure = (lost, "at most ") if exact is None else (exact, "")
        if lost.rows_without_answer:
            yield _without_answer(name, lost, sure, where)
        if lost.rows_cut <= lost.rows * WORTH_A_WORD:
            continue
        what = (
            f"cutoff_len {cutoff_len:,} cuts {sure}{_share(lost.rows_cut, lost.rows)} of the rows of {name!r}, "
            f"and {_share(lost.answer_tokens_cut, lost.answer_tokens)} of its answers' tokens"
        )
        if always_ends_answers(case.recipe.template) or not lost.rows_without_end:
            what += "; what is left of an answer still has its end"
        else:
            what += f"; {sure}{lost.rows_without_end:,} rows learn an answer without its end: they teach not to stop"
        longest = f"the longest has {lost.longest:,} tokens"
        fix = f"raise cutoff_len ({longest}), or split long chats (`cutoff_len:` in the spec)"
        yield Problem("warning", what, where, fix)


def _without_answer(name: str, lost: Cut, sure: str, where: str) -> Problem:
    """A batch of such rows alone has a loss of 0 / 0."""
    level: Literal["error", "warning"] = "error" if lost.rows_without_answer == lost.rows and not sure else "warning"
    what = (
        f"{sure}{lost.rows_without_answer:,} rows of {name!r} keep nothing of their answers: they teach nothing, and "
        "the loss of a batch of them alone is NaN"
    )
    return Problem(level, what, where, "raise cutoff_len, or shorten their questions")


class _Exactly:
    """The rows as the installed LLaMA-Factory would cut them, where it may be asked for its template."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def cut(self, name: str) -> Cut | None:
        """None where it may not be asked, or does what only it does."""
        how, described = self._how, self._described
        if how is None or described is None:
            return None
        try:
            counted = pair_lengths_of(self._case.dataset_dir, name, described, how.arguments.masking)
        except (NotRepeated, UserError):
            return None
        return cut(counted, how.arguments.masking, described.template.efficient_eos)

    @cached_property
    def _how(self) -> Tokenizing | None:
        filled, model = self._case.filled, self._case.model
        if model is None or isinstance(filled, UserError):
            return None
        try:
            return tokenizing({key: setting.value for key, setting in filled.items()}, model)
        except NotRepeated:
            return None

    @cached_property
    def _described(self) -> Described | None:
        try:
            told = self._case.asked("template", self._how.question) if self._how else None
        except ChildFailed:
            return None  # told by the check of the template
        return Described.from_json(told) if told and "refused" not in told else None


def _share(part: int, whole: int) -> str:
    return f"{part / max(1, whole):.1%}"
