"""What `cutoff_len` takes away from a dataset's rows, by LLaMA-Factory's own way of cutting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lf_wrap.dataset.measure import TOKENS_PER_ROW, TOKENS_PER_TURN, Turns

if TYPE_CHECKING:  # the tokenizing room is loaded where something is cut: building data seldom needs it
    from lf_wrap.dataset.tokenized.cut import Masking
    from lf_wrap.dataset.tokenized.lengths import PairLengths

TOKENS_AT_END = 1  # the token that ends an answer; its label teaches the model to stop


@dataclass(frozen=True)
class Cut:
    """How many rows are cut, and how many of their answers' tokens and ends."""

    rows: int
    rows_cut: int
    answer_tokens: int
    """Of all answers that are learned, with their ends."""
    answer_tokens_cut: int
    rows_without_end: int
    """Rows that learn an answer without the token that ends it."""
    rows_without_answer: int
    """Rows of which nothing is left to learn."""
    longest: int
    """The tokens of the longest row before it is cut."""


def cut_at_most(turns: Turns, cutoff_len: int) -> Cut:
    """What a `cutoff_len` costs at most: the chat template's own tokens are only allowed for."""
    from lf_wrap.dataset.tokenized.cut import Masking

    lengths = turns.of_rows()
    cut_rows = np.flatnonzero(lengths > cutoff_len).tolist()
    losses = [_loss(_pairs(turns.row(row)), Masking(cutoff_len)) for row in cut_rows]
    return _summed(len(turns), _answer_tokens(turns), losses, int(lengths.max(initial=0)))


def cut(counted: PairLengths, masking: Masking, efficient_eos: bool) -> Cut:
    """What cutting costs, with all that the chat template adds."""
    rows = counted.rows
    losses = [_loss(pairs, masking, efficient_eos, counted.after_end) for pairs in rows]
    answers = sum(answered for pairs in rows for _, answered in (pairs[-1:] if masking.mask_history else pairs))
    longest = max((sum(map(sum, pairs)) + efficient_eos for pairs in rows), default=0)
    return _summed(len(rows), answers, losses, longest)


def _summed(rows: int, answer_tokens: int, losses: list[_Loss], longest: int) -> Cut:
    return Cut(
        rows=rows,
        rows_cut=sum(loss.is_cut for loss in losses),
        answer_tokens=answer_tokens,
        answer_tokens_cut=sum(loss.answer_tokens for loss in losses),
        rows_without_end=sum(loss.an_end for loss in losses),
        rows_without_answer=sum(loss.all_answers for loss in losses),
        longest=longest,
    )


class _Loss(NamedTuple):
    """What a row loses."""

    is_cut: bool
    answer_tokens: int
    an_end: bool
    all_answers: bool


def _loss(pairs: list[tuple[int, int]], masking: Masking, efficient_eos: bool = False, after_end: int = 0) -> _Loss:
    """Of its learned answers. One of which nothing is left loses no end: it teaches nothing wrong.

    With `efficient_eos` the end is put behind what is left.
    """
    from lf_wrap.dataset.tokenized.cut import kept_turns

    kept = kept_turns(pairs, masking, efficient_eos)
    learned = {len(pairs) - 1} if masking.mask_history else set(range(len(pairs)))
    answers = [(turn.answered, pairs[turn.number][1]) for turn in kept if turn.number in learned]
    wanted, left = sum(pairs[number][1] for number in learned), sum(answered for answered, _ in answers)
    return _Loss(
        is_cut=sum(turn.asked + turn.answered for turn in kept) < sum(map(sum, pairs)),
        answer_tokens=wanted - left,
        an_end=not efficient_eos and any(0 < answered < whole - after_end for answered, whole in answers),
        all_answers=not efficient_eos and left == 0 and not masking.train_on_prompt,
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
