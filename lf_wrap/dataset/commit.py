"""Finished files take the place of old ones, all of them or none, whenever the process may die.

The files of a build are made in a hidden folder. One rename declares it ready; from then on the new files count, and
whoever comes next finishes the moving if we could not. Before that rename nothing has changed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lf_wrap.dataset.register import entries_of, registering
from lf_wrap.files import locked

BEGUN, BUILDING, READY = ".begun.", ".building.", ".ready."
ENTRIES = "entries.json"
ALIVE = ".alive"  # locked in a folder as long as its build goes on

Entries = dict[str, dict[str, Any] | None]


@contextmanager
def building_in(out: Path) -> Iterator[Path]:
    """A hidden folder of `out` to build in, for the block. What killed builds have left of theirs goes."""
    from filelock import FileLock, Timeout

    for left in out.glob(f"{BUILDING}*/"):
        try:
            with FileLock(left / ALIVE, timeout=0):
                shutil.rmtree(left, ignore_errors=True)
        except (Timeout, OSError):  # it is alive, or has just ended
            continue
    made = Path(tempfile.mkdtemp(dir=out, prefix=BEGUN))
    with FileLock(made / ALIVE):
        staging = made.rename(out / made.name.replace(BEGUN, BUILDING))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def put_in_place(staging: Path, entries: Entries, out: Path) -> None:
    """Moves the files and folders of `staging` to `out` and registers `entries`.

    What an entry named before, and does not name any more, goes: the file of a dataset that has no rows now, or that is
    a folder of several now.
    """
    with locked(out / "building"):
        _finish_all(out)
        before = entries_of(out)
        named = {name: before.get(name, {}).get("file_name") for name in entries}
        gone = [file for name, file in named.items() if file and file != (entries[name] or {}).get("file_name")]
        (staging / ENTRIES).write_text(json.dumps({"entries": entries, "gone": gone}), encoding="utf-8")
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
        told = json.loads(stored.read_text(encoding="utf-8"))
        with registering(out, told["entries"]):
            for made in sorted(made for made in ready.iterdir() if made.name not in (ENTRIES, ALIVE)):
                if made.is_dir():
                    _remove(out / made.name)  # a folder takes no other's place
                made.replace(out / made.name)
        for name in told["gone"]:
            _remove(out / name)
        stored.unlink()
    shutil.rmtree(ready)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
