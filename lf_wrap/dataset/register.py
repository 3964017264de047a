"""`dataset_info.json`: LLaMA-Factory's register of datasets, shared with entries that others wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError
from lf_wrap.files import locked, shown, write_text

REGISTER = "dataset_info.json"


def entries_of(dataset_dir: Path) -> dict[str, dict[str, Any]]:
    """All entries of `dataset_dir`'s register as it stands; none when it is not there yet. Readers take `registered`.

    Raises:
        UserError: the register is not a JSON object.
    """
    path = dataset_dir / REGISTER
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UserError(
            f"{shown(path)} is not JSON: {error}", fix="mend it, or move it away to start a new one"
        ) from None
    if not isinstance(entries, dict):
        raise UserError(f"{shown(path)} is not a JSON object of datasets", fix="mend it, or move it away")
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise UserError(f"{shown(path)} describes a dataset by {entry!r:.40}", where=name, fix="mend or remove it")
    return entries


def register(dataset_dir: Path, entries: dict[str, dict[str, Any] | None]) -> None:
    """Adds or replaces these entries (or removes those that are None) and leaves all others as they are.

    The file is ASCII without BOM, since LLaMA-Factory opens it in the system's encoding. Safe with many processes.
    """
    with registering(dataset_dir, entries):
        pass


@contextmanager
def registering(dataset_dir: Path, entries: dict[str, dict[str, Any] | None]) -> Iterator[None]:
    """The same when the block ends, which may move the files that the entries name.

    The new register is on the disk before that: to wait for it afterwards would be to wait for all of their rows.
    """
    path = dataset_dir / REGISTER
    with locked(path):
        merged = entries_of(dataset_dir) | entries
        kept = {name: entry for name, entry in merged.items() if entry is not None}
        made = path.with_name(f".{path.name}.new")
        write_text(made, json.dumps(kept, indent=2, ensure_ascii=True) + "\n")
        try:
            yield
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
