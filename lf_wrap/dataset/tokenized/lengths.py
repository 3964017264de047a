"""How long the questions and answers of a dataset are, with all that the chat template adds: counted once a content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lf_wrap.dataset.registered import registered_file
from lf_wrap.dataset.tokenized.batch import encoded_pairs
from lf_wrap.dataset.tokenized.cut import Masking
from lf_wrap.dataset.tokenized.encode import Encoder
from lf_wrap.dataset.tokenized.rows import open_registered
from lf_wrap.dataset.tokenized.template import Described
from lf_wrap.dataset.tokenized.view import pair_lengths
from lf_wrap.files import atomic_write, known_sha256

LAYOUT = 1  # raised when what is counted changes
ROWS_AT_ONCE = 1000


def lengths_of_pairs(
    dataset_dir: Path, name: str, described: Described, masking: Masking
) -> list[list[tuple[int, int]]]:
    """The tokens of each question and answer, by row, before anything is cut; rows that are dropped are left out.

    Raises:
        NotRepeated: the rows are read in a way that only LLaMA-Factory reads them.
        UserError: the dataset is not registered, or its file is missing.
    """
    entry, path = registered_file(dataset_dir, name)
    told = [LAYOUT, entry, known_sha256(path), asdict(described), masking.mask_history]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    cached = dataset_dir / ".lengths" / f"pairs-{digest[:32]}.npz"
    if not cached.is_file():
        opened, encoder = open_registered(dataset_dir, name), Encoder(described.tokenizer)
        counted: list[list[tuple[int, int]]] = []
        for start in range(0, len(opened.lines), ROWS_AT_ONCE):
            read = [opened.reader.read(line) for line in opened.lines[start : start + ROWS_AT_ONCE]]
            counted += pair_lengths([row for row in read if row], described.template, encoder, masking)
        pairs = np.array([pair for row in counted for pair in row], np.int32).reshape(-1, 2)
        with atomic_write(cached) as handle:
            np.savez(handle, pairs=pairs, ends=np.cumsum([len(row) for row in counted]))
    with np.load(cached) as stored:
        flat, ends = [(int(asked), int(answered)) for asked, answered in stored["pairs"]], stored["ends"].tolist()
    return [flat[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def tokens_after_end(described: Described) -> int:
    """How many tokens of an answer stand behind the one that ends it: a line feed, for many templates."""
    (((behind, _),),) = encoded_pairs([[(described.template.behind_an_answer(), [])]], Encoder(described.tokenizer))
    ids = behind.tolist()
    return len(ids) - ids.index(described.template.eos) - 1 if described.template.eos in ids else 0
