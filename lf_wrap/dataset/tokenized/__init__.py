"""Rows to tokens and labels, as LLaMA-Factory's own preprocessing makes them, in its `tokenized_path` layout.

`ask` has LLaMA-Factory tell the tokenizer and the template, `rows` reads, `encode` turns texts into ids, `cut` and
`pack` do what `cutoff_len` and packing ask for, `batch` strings them together, `make` does all batches of all splits.
"""

from lf_wrap.dataset.tokenized.arguments import TOKENIZER_KEYS, Arguments, NotRepeated, arguments_of
from lf_wrap.dataset.tokenized.make import Store, refused, rows_in, tokenize, whole_or_not_at_all

__all__ = [
    "TOKENIZER_KEYS",
    "Arguments",
    "NotRepeated",
    "Store",
    "arguments_of",
    "refused",
    "rows_in",
    "tokenize",
    "whole_or_not_at_all",
]
