"""What `cutoff_len` takes away from a dataset's rows, by LLaMA-Factory's own way of cutting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lf_wrap.dataset.measure import TOKENS_PER_ROW, TOKENS_PER_TURN, Turns
from lf_wrap.dataset.tokenized.cut import Masking, kept_turns

TOKENS_AT_END = 1  # the token that ends an answer; its label teaches the model to stop


@dataclass(frozen=True)
class Cut:
    """How many rows are cut, and how many of their answers' tokens and ends."""

    rows: int
    rows_cut: int
    answer_tokens: int
    answer_tokens_cut: int
    rows_without_end: int
    """Rows of which no answer keeps the token that ends it."""


def cut(turns: Turns, cutoff_len: int) -> Cut:
    """What a `cutoff_len` costs: close, not exact, since the chat template's own tokens are only allowed for."""
    lengths = turns.of_rows()
    answers = _answer_tokens(turns)
    cut_rows = np.flatnonzero(lengths > cutoff_len).tolist()
    kept = [_kept(turns.row(row), cutoff_len) for row in cut_rows]
    of_cut = [_wanted(turns.row(row)) for row in cut_rows]
    return Cut(
        rows=len(turns),
        rows_cut=len(cut_rows),
        answer_tokens=answers,
        answer_tokens_cut=sum(of_cut) - sum(tokens for tokens, _ in kept),
        rows_without_end=sum(1 for _, ends in kept if not ends),
    )


def _answer_tokens(turns: Turns) -> int:
    """The tokens of all answers with their ends: every second turn of each row."""
    position = np.arange(len(turns.tokens)) - np.repeat(turns.starts, turns.ends - turns.starts)
    answers = turns.tokens[position % 2 == 1]
    return int(answers.sum()) + TOKENS_AT_END * len(answers)


def _pairs(row: list[int]) -> list[tuple[int, int]]:
    """Question and answer in tokens, each with an allowance for its markers."""
    questions = [tokens + 2 * TOKENS_PER_TURN - TOKENS_AT_END for tokens in row[0::2]]
    questions[0] += TOKENS_PER_ROW
    answers = [tokens + TOKENS_AT_END for tokens in row[1::2]]
    return list(zip(questions, answers, strict=False))


def _wanted(row: list[int]) -> int:
    return sum(answer for _, answer in _pairs(row))


def _kept(row: list[int], cutoff_len: int) -> tuple[int, int]:
    """The tokens of answers that stay, and how many answers stay whole."""
    pairs = _pairs(row)
    kept = kept_turns(pairs, Masking(cutoff_len), efficient_eos=False)
    return sum(turn.answered for turn in kept), sum(turn.answered == pairs[turn.number][1] for turn in kept)
