"""What is registered, and where it lies: for all who read datasets. They never see half of a build.

A build that was killed while its finished files took their places is finished first; one that is at it is waited for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lf_wrap.dataset.commit import finish_interrupted
from lf_wrap.dataset.register import REGISTER, entries_of
from lf_wrap.errors import UserError, did_you_mean
from lf_wrap.files import shown


def registered(dataset_dir: Path) -> dict[str, dict[str, Any]]:
    """All entries of `dataset_dir`'s register; none when it is not there yet.

    Raises:
        UserError: the register is not a JSON object.
    """
    finish_interrupted(dataset_dir)
    return entries_of(dataset_dir)


def registered_file(dataset_dir: Path, name: str) -> tuple[dict[str, Any], Path]:
    """The entry called `name` and the local file, or the folder of files, that it describes.

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
    if not path.is_file() and not (path.is_dir() and any(path.iterdir())):
        raise UserError(
            f"{shown(path)}, the file of dataset {name!r}, is missing", fix="build it again with `lfw build-data`"
        )
    return entries[name], path
