"""A workspace: the folder people work in, with the dataset specs, sample rows and recipes that lfw brings along."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import lf_wrap

PARTS = (
    "dataset_info/demo.yaml",
    "dataset_info/medical.yaml",
    "dataset_info/pretraining.yaml",
    "dataset_info/roleplay.yaml",
    "dataset_info/raw/sample",
    "recipes",
)


def lay_out(folder: Path) -> list[Path]:
    """Copies what lfw brings into `folder`; files that are there already are left alone. Returns the files written."""
    written = []
    starter = _starter()
    for part in PARTS:
        source = starter / part
        for file in [source] if source.is_file() else sorted(file for file in source.rglob("*") if file.is_file()):
            target = folder / file.relative_to(starter)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
                written.append(target)
    return written


def _starter() -> Path:
    """The packaged files; in a checkout they are its own `dataset_info/` and `recipes/`."""
    packaged = Path(str(files("lf_wrap").joinpath("starter")))
    return packaged if packaged.is_dir() else Path(lf_wrap.__file__).parent.parent
