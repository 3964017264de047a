"""All splits of a recipe's datasets, tokenized once: found by the content of all that decides about them, or made."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lf_wrap.dataset.registered import registered_file
from lf_wrap.dataset.tokenized.arguments import Arguments, NotRepeated
from lf_wrap.dataset.tokenized.batch import Task, tokenize_batch
from lf_wrap.dataset.tokenized.encode import load_encoder
from lf_wrap.dataset.tokenized.splits import Split, splits_of
from lf_wrap.dataset.tokenized.template import Described
from lf_wrap.dataset.tokenized.witness import witnessed
from lf_wrap.dataset.tokenized.write import write_index, write_split
from lf_wrap.dataset.workers import apart, crew
from lf_wrap.files import content_hash, locked

if TYPE_CHECKING:
    import pyarrow as pa

LAYOUT = 1  # raised when what we write changes
DECIDING = ("llamafactory", "transformers", "tokenizers")
FOLDER, ROWS, TOKENIZER = ".tokenized", "rows.json", "tokenizer.json"
WORTH_A_PROCESS = 1 << 20  # bytes of rows that take about as long as starting another process


def place_of(question: Any, arguments: Arguments) -> Path:
    """The folder for these datasets with these arguments, beside the datasets; it exists when they are tokenized.

    `question` tells the tokenizer and the template from others. All is told by its content: files may move, and a file
    that changes is another.

    Raises:
        UserError: a dataset is not registered or its file is missing.
    """
    files = [registered_file(arguments.dataset_dir, name) for name in (*arguments.dataset, *arguments.eval_dataset)]
    content = [(entry, content_hash(path)) for entry, path in files]
    told = {**asdict(arguments), "dataset_dir": ""}
    return arguments.dataset_dir / FOLDER / _digest(question, told, content)


def rows_in(tokenized: Path) -> dict[str, int]:
    """The rows of each split in a finished folder."""
    rows: dict[str, int] = json.loads((tokenized / ROWS).read_text(encoding="utf-8"))
    return rows


def whole_or_not_at_all(folder: Path, make: Callable[[Path], object]) -> None:
    """Lets `make` fill a folder aside, which then becomes `folder`; does nothing where another process has done it."""
    with locked(folder):
        if folder.exists():
            return
        for left in folder.parent.glob(f"{folder.name}.making-*"):
            shutil.rmtree(left)
        aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.making-", dir=folder.parent))
        try:
            make(aside)
            aside.chmod(0o755)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def tokenize(
    described: Described,
    arguments: Arguments,
    folder: Path,
    *,
    on_rows: Callable[[int, int], None] = lambda done, total: None,
    workers: int | None = None,
) -> dict[str, int]:
    """Writes all splits into `folder`, in LLaMA-Factory's `tokenized_path` layout; returns the rows of each.

    `on_rows` is called with the rows that are done and those there are.

    Raises:
        NotRepeated: a row or an argument is outside what we repeat; `folder` is unfinished then.
        UserError: a dataset is not registered or its file is missing.
    """
    # The processes below are the parallelism. The tokenizer's own threads do not survive forking: where the caller has
    # exported "true", the workers would wait for them for ever.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = folder / TOKENIZER
    tokenizer.write_text(described.tokenizer, encoding="utf-8")
    parts = [
        (Task(described.template, tokenizer, arguments, tuple(file.reader for file in split.files)), split)
        for split in splits_of(arguments)
    ]
    rows = None
    with apart(partial(witnessed, described.tokenizer, parts), workers) as told:
        if told:
            encoder = load_encoder(tokenizer, compare=False)  # before the processes part, so that each need not
            trusting = [(replace(task, compare=not encoder.is_quick), split) for task, split in parts]
            rows = _write(trusting, arguments, folder, on_rows, workers)
            found = told() if encoder.is_quick else {}
            if found is None or not encoder.agrees(found):
                rows = None
    if rows is None:
        load_encoder(tokenizer)
        rows = _write(parts, arguments, folder, on_rows, workers)
    write_index(folder, [*rows])
    (folder / ROWS).write_text(json.dumps(rows), encoding="utf-8")
    return rows


def _write(
    parts: list[tuple[Task, Split]],
    arguments: Arguments,
    folder: Path,
    on_rows: Callable[[int, int], None],
    workers: int | None,
) -> dict[str, int]:
    """Writes each split into a folder of its own, anew; returns the rows of each."""
    total, done = sum(len(split) for _, split in parts), 0

    def counted(task: Task, split: Split) -> Iterator[pa.RecordBatch]:
        nonlocal done
        empty = True
        for rows, made in submit(tokenize_batch, ((task, batch) for batch in split.batches(arguments))):
            if isinstance(made, str):
                raise NotRepeated(made)
            done += rows
            on_rows(done, total)
            if made.num_rows:
                empty = False
                yield made
        if empty:
            raise NotRepeated(f"no row of the {split.name} split can be used")

    rows = {}
    size = sum(len(line) for _, split in parts for file in split.files for line in file.lines)
    with crew(workers, worth_it=size >= WORTH_A_PROCESS) as submit:
        for task, split in parts:
            shutil.rmtree(folder / split.name, ignore_errors=True)
            fingerprint = _digest(folder.name, split.name)[:16]
            rows[split.name] = write_split(folder / split.name, counted(task, split), fingerprint)
    return rows


def _digest(*told: Any) -> str:
    """24 hex digits that tell what was told, in this version of all that decides about the result."""
    versions = {name: version(name) for name in DECIDING}
    text = json.dumps([LAYOUT, versions, *told], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
