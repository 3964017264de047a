"""Writes the rows of a split as the files of a dataset, in one layout each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson

from lf_wrap.dataset.deduplicate import Numbers
from lf_wrap.dataset.layout import REFERENCES, Layout, alpaca_to_sharegpt
from lf_wrap.dataset.pool import Pool


def write_rows(path: Path, pool: Pool, numbers: Numbers, layout: Layout) -> None:
    """Writes these rows, in this order. Single turns among longer conversations become ShareGPT too."""
    in_order = bool((numbers[1:] > numbers[:-1]).all())  # and no row twice: as many as there are, they are all
    if layout != "sharegpt" and len(numbers) == len(pool) and in_order:
        pool.path = pool.path.rename(path)  # the pool's file is the dataset's
        return
    with path.open("wb") as handle:
        mixed = layout == "sharegpt" and bool((pool.turns[numbers] == 2).any())
        handle.writelines(_as_sharegpt(pool, numbers) if mixed else pool.lines(numbers))


def write_rows_of_several_answers(path: Path, pool: Pool, numbers: Numbers, layout: Layout, *, test: bool) -> None:
    """The same where rows may bring further answers: every test row gets the field that lists them, no training row.

    A file must have one schema, so a test row with one answer lists that.
    """
    lines = _as_sharegpt(pool, numbers) if layout == "sharegpt" else pool.each(numbers.tolist())
    with path.open("wb") as handle:
        for row in map(orjson.loads, lines):
            references = row.pop(REFERENCES, None)
            if test:
                answer = row["conversations"][-1]["value"] if layout == "sharegpt" else row["output"]
                row[REFERENCES] = references or [answer]
            handle.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _as_sharegpt(pool: Pool, numbers: Numbers) -> Iterable[bytes]:
    for number, line in zip(numbers.tolist(), pool.each(numbers.tolist()), strict=True):
        if pool.turns[number] == 2:
            yield orjson.dumps(alpaca_to_sharegpt(orjson.loads(line)), option=orjson.OPT_APPEND_NEWLINE)
        else:
            yield line
