"""`dataset_info.json`: LLaMA-Factory's register of datasets, shared with entries that others wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import locked, shown, write_text

REGISTER = "dataset_info.json"


def registered(dataset_dir: Path) -> dict[str, dict[str, Any]]:
    """All entries of `dataset_dir`'s register; none when it is not there yet.

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
    return entries


def register(dataset_dir: Path, entries: dict[str, dict[str, Any] | None]) -> None:
    """Adds or replaces these entries (or removes those that are None) and leaves all others as they are.

    The file is ASCII without BOM, since LLaMA-Factory opens it in the system's encoding. Safe with many processes.
    """
    path = dataset_dir / REGISTER
    with locked(path):
        merged = registered(dataset_dir) | entries
        kept = {name: entry for name, entry in merged.items() if entry is not None}
        write_text(path, json.dumps(kept, indent=2, ensure_ascii=True) + "\n")


def registered_file(dataset_dir: Path, name: str) -> tuple[dict[str, Any], Path]:
    """The entry called `name` and the local file it describes.

    Raises:
        UserError: there is no such entry, it is not a local file, or the file is missing.
    """
    entries = registered(dataset_dir)
    if name not in entries:
        hint = (
            did_you_mean(name, entries)
            if entries
            else "build it with `lfw build-data`: nothing is registered there yet"
        )
        raise UserError(f"dataset {name!r} is not registered in {shown(dataset_dir / REGISTER)}", fix=hint)
    file_name = entries[name].get("file_name")
    if not isinstance(file_name, str):
        raise UserError(f"dataset {name!r} is not a local file", fix="use one that `lfw build-data` wrote")
    path = dataset_dir / file_name
    if not path.is_file():
        raise UserError(
            f"{shown(path)}, the file of dataset {name!r}, is missing", fix="build it again with `lfw build-data`"
        )
    return entries[name], path
