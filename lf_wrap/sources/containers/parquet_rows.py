"""Rows of Parquet files, as hubs keep data sets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import shown

# So many rows are held in memory at a time.
BATCH = 1024


def parquet_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """(row number from 1, {column: value}) for each row; lists and structs are lists and dicts, NaN is None.

    Bytes are text where they are UTF-8, as some programs write it, else None.

    Raises:
        UserError: the file is no Parquet, or broken.
    """
    from pyarrow import ArrowException, parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, _plain(row)
    except (ArrowException, OSError, ValueError) as error:
        raise UserError(
            f"{shown(path)} is not a Parquet file that can be read: {error}",
            where=f"after row {number}" if number else None,
            fix="fetch it again: its index stands at its end, so a download that was cut off looks like this",
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return None if isinstance(value, float) and math.isnan(value) else value
