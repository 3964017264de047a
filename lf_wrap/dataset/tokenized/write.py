"""The layout of `Dataset.save_to_disk`, which LLaMA-Factory's `tokenized_path` is: written batch by batch.

Written here and not by the datasets library, which would take longer to import than a thousand rows to tokenize. It
reads the columns' types from the Arrow file where its own description of them is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

DATA = "data-00000-of-00001.arrow"


def write_split(folder: Path, batches: Iterable[pa.RecordBatch], fingerprint: str) -> int:
    """Writes the batches as one split, in `folder`; returns how many rows it has. `fingerprint`: 16 hex digits."""
    import pyarrow as pa

    folder.mkdir(parents=True)
    rows = 0
    writer = None
    with pa.OSFile(str(folder / DATA), "wb") as file:
        for batch in batches:
            writer = writer or pa.ipc.new_stream(file, batch.schema)
            writer.write_batch(batch)
            rows += batch.num_rows
        if writer:
            writer.close()
    state: dict[str, Any] = {
        "_data_files": [{"filename": DATA}],
        "_fingerprint": fingerprint,
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    (folder / "state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
    (folder / "dataset_info.json").write_text(json.dumps({"citation": "", "description": ""}), encoding="utf-8")
    return rows


def write_index(folder: Path, splits: list[str]) -> None:
    """Writes the list of the splits in `folder`."""
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")
