"""A row as the model will see it: its text in spans that are learned, only read, or cut off by `cutoff_len`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lf_wrap.dataset.tokenized.batch import encoded_pairs
from lf_wrap.dataset.tokenized.cut import Masking, kept_turns
from lf_wrap.dataset.tokenized.encode import Encoder, Ids
from lf_wrap.dataset.tokenized.rows import Row
from lf_wrap.dataset.tokenized.template import ChatTemplate

Kind = Literal["read", "learned", "cut"]


@dataclass(frozen=True)
class Span:
    """`tokens` tokens in a row that share their fate; `text` with special tokens as they are written."""

    kind: Kind
    tokens: int
    text: str


def view(row: Row, template: ChatTemplate, encoder: Encoder, masking: Masking) -> list[Span]:
    """The spans of a row, in the order of the conversation. Read spans have the label −100.

    Templates without an end of their own (ChatGLM's) also learn the end of an answer at the first token of the next
    question; that token is shown as read.
    """
    forget = masking.mask_history and not template.preserve_thinking
    (pairs,) = encoded_pairs([template.pairs(row.messages, row.system, forget)], encoder)
    lengths = [(len(asked), len(answered)) for asked, answered in pairs]
    kept = {turn.number: turn for turn in kept_turns(lengths, masking, template.efficient_eos)}
    asking: Kind = "learned" if masking.train_on_prompt else "read"
    parts: list[tuple[Kind, Ids]] = []
    for number, (asked, answered) in enumerate(pairs):
        turn = kept.get(number)
        stay, answer = (turn.asked, turn.answered) if turn else (0, 0)
        answering: Kind = "read" if masking.mask_history and number < len(pairs) - 1 else "learned"
        parts += [
            (asking, asked[:stay]),
            ("cut", asked[stay:]),
            (answering, answered[:answer]),
            ("cut", answered[answer:]),
        ]
    if template.efficient_eos:
        parts.append(("learned", np.array([template.eos], np.int32)))
    return [Span(kind, len(ids), encoder.text(ids)) for kind, ids in parts if len(ids)]


def lengths(rows: Sequence[Row], template: ChatTemplate, encoder: Encoder, masking: Masking) -> list[int]:
    """How many tokens each row has before anything is cut."""
    pairs = pair_lengths(rows, template, encoder, masking)
    return [sum(map(sum, row)) + template.efficient_eos for row in pairs]


def pair_lengths(
    rows: Sequence[Row], template: ChatTemplate, encoder: Encoder, masking: Masking
) -> list[list[tuple[int, int]]]:
    """The tokens of each row's questions and answers before anything is cut."""
    forget = masking.mask_history and not template.preserve_thinking
    encoded = encoded_pairs([template.pairs(row.messages, row.system, forget) for row in rows], encoder)
    return [[(len(asked), len(answered)) for asked, answered in pairs] for pairs in encoded]
