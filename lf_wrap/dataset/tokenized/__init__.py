"""Rows to tokens and labels, as LLaMA-Factory's own preprocessing makes them, in its `tokenized_path` layout.

`template` is what LLaMA-Factory told of its template, `rows` reads, `encode` turns texts into ids (by tiktoken where
`quick` says that it is the same), `cut` and `pack` do what `cutoff_len` and packing ask for, `batch` strings them
together, `make` does all batches of all splits while `witness` has the tokenizer itself look over some of the texts.
"""

from lf_wrap.dataset.tokenized.arguments import TOKENIZER_KEYS, Arguments, NotRepeated, arguments_of
from lf_wrap.dataset.tokenized.cut import Masking
from lf_wrap.dataset.tokenized.encode import Encoder
from lf_wrap.dataset.tokenized.lengths import PairLengths, pair_lengths_of
from lf_wrap.dataset.tokenized.make import FOLDER, place_of, rows_in, tokenize, whole_or_not_at_all
from lf_wrap.dataset.tokenized.rows import Registered, Row, open_registered
from lf_wrap.dataset.tokenized.template import Described
from lf_wrap.dataset.tokenized.view import Span, lengths, view

__all__ = [
    "FOLDER",
    "TOKENIZER_KEYS",
    "Arguments",
    "Described",
    "Encoder",
    "Masking",
    "NotRepeated",
    "PairLengths",
    "Registered",
    "Row",
    "Span",
    "arguments_of",
    "lengths",
    "open_registered",
    "pair_lengths_of",
    "place_of",
    "rows_in",
    "tokenize",
    "view",
    "whole_or_not_at_all",
]
