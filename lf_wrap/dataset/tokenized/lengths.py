"""How long the questions and answers of a dataset are, with all that the chat template adds: counted once a content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lf_wrap.dataset.registered import registered_file
from lf_wrap.dataset.tokenized.batch import encoded_pairs
from lf_wrap.dataset.tokenized.cut import Masking
from lf_wrap.dataset.tokenized.encode import Encoder
from lf_wrap.dataset.tokenized.rows import open_registered
from lf_wrap.dataset.tokenized.template import ChatTemplate, Described
from lf_wrap.dataset.tokenized.view import pair_lengths
from lf_wrap.files import atomic_write, known_sha256

LAYOUT = 1  # raised when what is counted changes
ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class PairLengths:
    """Of a dataset with a template."""

    rows: list[list[tuple[int, int]]]
    """The tokens of each question and answer before anything is cut; rows that are dropped are left out."""
    after_end: int
    """How many tokens of an answer stand behind the one that ends it: a line feed, for many templates."""


def pair_lengths_of(dataset_dir: Path, name: str, described: Described, masking: Masking) -> PairLengths:
    """Counts the dataset `name`.

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
        after_end = _tokens_after_end(described.template, encoder)
        with atomic_write(cached) as handle:
            np.savez(handle, pairs=pairs, ends=np.cumsum([len(row) for row in counted]), after_end=after_end)
    with np.load(cached) as stored:
        flat, ends = list(map(tuple, stored["pairs"].tolist())), stored["ends"].tolist()
        after_end = int(stored["after_end"])
    return PairLengths([flat[begin:end] for begin, end in zip([0, *ends], ends, strict=False)], after_end)


def _tokens_after_end(template: ChatTemplate, encoder: Encoder) -> int:
    (((behind, _),),) = encoded_pairs([[(template.behind_an_answer(), [])]], encoder)
    ids = behind.tolist()
    return len(ids) - ids.index(template.eos) - 1 if template.eos in ids else 0
