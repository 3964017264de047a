"""Finished files take the place of old ones, all of them or none, whenever the process may die.

The files of a build are made in a hidden folder. One rename declares it ready; from then on the new files count, and
whoever comes next finishes the moving if we could not. Before that rename nothing has changed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from lf_wrap.dataset.register import register
from lf_wrap.files import locked

BUILDING, READY = ".building.", ".ready."
ENTRIES = "entries.json"

Entries = dict[str, dict[str, Any] | None]


def put_in_place(staging: Path, entries: Entries, out: Path) -> None:
    """Moves the files of `staging` to `out` and registers `entries`; a dataset without an entry loses its file."""
    (staging / ENTRIES).write_text(json.dumps(entries), encoding="utf-8")
    with locked(out / "building"):
        _finish_all(out)
        _finish(staging.rename(out / staging.name.replace(BUILDING, READY)), out)


def finish_interrupted(out: Path) -> None:
    """Finishes what a process that died after its files were ready has left; does nothing otherwise."""
    if any(out.glob(f"{READY}*")):
        with locked(out / "building"):
            _finish_all(out)


def _finish_all(out: Path) -> None:
    for ready in sorted(out.glob(f"{READY}*")):
        _finish(ready, out)


def _finish(ready: Path, out: Path) -> None:
    """Safe to be done twice: files that have been moved are not there any more, entries are the same."""
    stored = ready / ENTRIES
    if stored.exists():
        entries: Entries = json.loads(stored.read_text(encoding="utf-8"))
        for file in sorted(file for file in ready.iterdir() if file.name != ENTRIES):
            file.replace(out / file.name)
        for name, entry in entries.items():
            if entry is None:
                (out / f"{name.removesuffix('_test')}_test.jsonl").unlink(missing_ok=True)
        register(out, entries)
        stored.unlink()
    shutil.rmtree(ready)
