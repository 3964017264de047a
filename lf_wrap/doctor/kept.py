"""What lfw keeps in a workspace to save time, how large it has become, and the command that is rid of it."""

from __future__ import annotations

from pathlib import Path

from lf_wrap.doctor.finding import Finding
from lf_wrap.files import shown

MUCH = 1 << 30  # bytes; less is not worth a thought


def kept(folder: Path) -> list[Finding]:
    """Tokenized rows and remembered answers below the workspace `folder`, where there are any."""
    from lf_wrap.dataset.tokenized import FOLDER
    from lf_wrap.evaluation.engines import CACHE
    from lf_wrap.evaluation.harness import REPLIES as HARNESS

    found = [_rows(place) for place in sorted(folder.glob(f"*/{FOLDER}"))]
    answers = folder / CACHE
    found += [_answers(answers)] if answers.is_file() else []
    return found + [_harness(replies) for replies in (folder / HARNESS,) if replies.is_dir()]


def _rows(place: Path) -> Finding:
    sets = [one for one in place.iterdir() if one.is_dir()]
    size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
    said = f"{_size(size)} in {len(sets)} sets at {shown(place)}"
    return _finding("tokenized rows", size, said, "trainings that start at once", f"rm -r {shown(place)}")


def _answers(file: Path) -> Finding:
    size = file.stat().st_size
    said = f"{_size(size)} in {shown(file)}"
    return _finding("answers", size, said, "models that were asked before are not asked again", f"rm {shown(file)}")


def _harness(place: Path) -> Finding:
    size = sum(file.stat().st_size for file in place.iterdir())
    said = f"{_size(size)} in {shown(place)}"
    enables = "lm-evaluation-harness does not ask a model the same again"
    return _finding("harness replies", size, said, enables, f"rm -r {shown(place)}")


def _finding(name: str, size: int, said: str, enables: str, remove: str) -> Finding:
    fix = f"{remove}  (while no lfw runs; what is needed is made again)"
    return Finding("kept", name, "note" if size >= MUCH else "ok", said, enables, fix)


def _size(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= MUCH else f"{size / 2**20:,.1f} MiB"
