"""A dataset's rows lie in one file, or, where that would be too large, in a folder of several.

LLaMA-Factory takes a folder as `file_name` (0.9.5, `data/loader.py`): every file in it, which must all be of one kind,
in whatever order the file system names them. So nothing else may lie there. Here they are read in the order of their
names, which is the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lf_wrap.dataset.deduplicate import Numbers
from lf_wrap.dataset.layout import Layout
from lf_wrap.dataset.pool import Pool
from lf_wrap.dataset.write import write_rows

SUFFIX = ".jsonl"


def files_in(path: Path) -> list[Path]:
    """The files of a dataset that lies at `path`: itself, or all of a folder's."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def names_of(stem: str) -> tuple[str, str]:
    """What a dataset's file, and what its folder is called."""
    return f"{stem}{SUFFIX}", stem


def write_shards(
    folder: Path,
    stem: str,
    pool: Pool,
    numbers: Numbers,
    layout: Layout,
    largest: int,
    write: Callable[[Path, Pool, Numbers, Layout], None] = write_rows,
) -> Path:
    """Writes these rows into `folder` as `stem`.jsonl, or as files of about `largest` bytes in the folder `stem`.

    Where a file ends depends on the rows and `largest` alone. One row is never divided. `write` writes a file.
    """
    file, inner = (folder / name for name in names_of(stem))
    if len(cuts := list(_cuts(pool, numbers, largest))) < 2:
        write(file, pool, numbers, layout)
        return file
    inner.mkdir()
    for number, (begin, end) in enumerate(cuts, 1):
        write(inner / f"{number:05}{SUFFIX}", pool, numbers[begin:end], layout)
    return inner


def _cuts(pool: Pool, numbers: Numbers, largest: int) -> Iterator[tuple[int, int]]:
    """Where each shard begins and ends among `numbers`."""
    everything = len(numbers) == len(pool)
    if not len(numbers) or int((pool.sizes if everything else pool.sizes[numbers]).sum(dtype=np.int64)) <= largest:
        yield 0, len(numbers)
        return
    ends, begin = np.cumsum(pool.sizes[numbers], dtype=np.int64), 0
    while begin < len(numbers):
        before = int(ends[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + largest, side="right")))
        yield begin, end
        begin = end
