"""Which rows are in which split, and in which batches they are tokenized: packing never reaches beyond a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from lf_wrap.dataset.tokenized.arguments import Arguments, NotRepeated
from lf_wrap.dataset.tokenized.rows import Registered, open_registered

Batch = list[tuple[int, bytes]]
"""Rows, each with the number of its file among the split's."""


@dataclass(frozen=True)
class Split:
    """A split's name (`train`, `validation`, `validation_<dataset>`), its files, and which rows of them it holds."""

    name: str
    files: list[Registered]
    chosen: list[int] | None = None
    """Numbers of rows, counted through the files; None for all."""

    def __len__(self) -> int:
        return sum(len(file.lines) for file in self.files) if self.chosen is None else len(self.chosen)

    def batches(self, arguments: Arguments) -> Iterator[Batch]:
        """The rows in the batches of LLaMA-Factory: each worker has an equal run of rows, in batches of its own."""
        rows = [(number, line) for number, file in enumerate(self.files) for line in file.lines]
        if self.chosen is not None:
            rows = [rows[number] for number in self.chosen]
        shards = min(arguments.preprocessing_num_workers, len(rows))
        least, more = divmod(len(rows), shards)
        start = 0
        for shard in range(shards):
            end = start + least + (shard < more)
            for begin in range(start, end, arguments.preprocessing_batch_size):
                yield rows[begin : min(begin + arguments.preprocessing_batch_size, end)]
            start = end


def splits_of(arguments: Arguments) -> list[Split]:
    """The splits that LLaMA-Factory makes of the datasets (0.9.5, `data/data_utils.py`: `split_dataset`).

    Raises:
        UserError, NotRepeated: as `open_registered`; or `val_size` leaves a split without rows.
    """
    opened = [open_registered(arguments.dataset_dir, name, arguments.max_samples) for name in arguments.dataset]
    held_out = [open_registered(arguments.dataset_dir, name, arguments.max_samples) for name in arguments.eval_dataset]
    train = Split("train", opened)
    if arguments.val_size > 1e-6:
        return _cut_off(train, arguments)
    if arguments.eval_on_each_dataset:
        return [train, *(Split(f"validation_{file.reader.name}", [file]) for file in held_out)]
    return [train, Split("validation", held_out)] if held_out else [train]


def _cut_off(whole: Split, arguments: Arguments) -> list[Split]:
    """`Dataset.train_test_split` of the datasets library, which shuffles with numpy's default generator."""
    rows, wanted = len(whole), arguments.val_size
    held_out = int(wanted) if wanted > 1 else ceil(wanted * rows)
    if not 0 < held_out < rows or wanted == 1:
        raise NotRepeated(f"val_size {wanted} of {rows} rows")
    order = np.random.default_rng(arguments.seed).permutation(rows).tolist()
    return [Split("train", whole.files, order[held_out:]), Split("validation", whole.files, order[:held_out])]
