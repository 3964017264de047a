"""Which files a path in a spec means: a file, a folder, or a pattern."""

from __future__ import annotations

import glob
import re
from pathlib import Path, PurePath

from lf_wrap.errors import UserError
from lf_wrap.files import shown

TABLES = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet", ".png"}
ARCHIVES = {".gz", ".zip"}
# What holds data too, and is not read.
OTHERS = {
    ".7z", ".arrow", ".avro", ".bz2", ".doc", ".docx", ".feather", ".msgpack", ".ods", ".pdf", ".pkl",
    ".rar", ".sqlite", ".tar", ".tgz", ".xlsb", ".xml", ".xz", ".zst",
}  # fmt: skip
ABOUT = re.compile(
    r"(readme|licen[cs]e|source|notice|copying|changelog|requirements).*\.txt|dataset_infos?\.json", re.IGNORECASE
)


def is_data(name: str | PurePath) -> bool:
    """Whether a file found in a folder or an archive is taken for data: by its ending, unless hidden or about data."""
    path = PurePath(name)
    return path.suffix.lower() in TABLES | ARCHIVES and not _is_hidden(path) and not ABOUT.fullmatch(path.name)


def left_out(given: str) -> list[Path]:
    """The files in a folder of which no data can be read here, though they may well hold some. Sorted."""
    path = Path(given).expanduser()
    found = sorted(path.rglob("*")) if path.is_dir() else []
    return [file for file in found if file.suffix.lower() in OTHERS and not _is_hidden(file.relative_to(path))]


def _is_hidden(path: PurePath) -> bool:
    """Whether it is hidden, lies in a hidden folder or in macOS's own, or was left beside a workbook that is open."""
    return any(part.startswith((".", "~$")) or part == "__MACOSX" for part in path.parts)


def files_of(given: str, fix: str | None = None) -> list[Path]:
    """The file called so; or a folder's data files, its subfolders' too; or the files that a pattern matches. Sorted.

    `fix` is what to tell whoever has not got them.

    Raises:
        UserError: there are none.
    """
    path = Path(given).expanduser()
    if path.is_dir():
        if found := sorted(file for file in path.rglob("*") if is_data(file.relative_to(path)) and file.is_file()):
            return found
        raise UserError(
            f"the folder {shown(path)} holds no data files",
            where=f"looked for: {', '.join(sorted(TABLES | ARCHIVES))}",
            fix=fix or "put the data there, or name its files one by one",
        )
    if path.exists():
        return [path]
    if not glob.has_magic(given):
        raise UserError(f"{shown(path)} does not exist", fix=fix or "check the path")
    matches = glob.glob(str(path), recursive=True)  # noqa: PTH207  (Path.glob takes no absolute pattern)
    if found := sorted(match for match in map(Path, matches) if match.is_file()):
        return found
    raise UserError(
        f"no file matches {given}",
        fix=fix or "check the pattern: * stands for any part of one name, ** for any folders",
    )
