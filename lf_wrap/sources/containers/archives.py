"""The data files in a .gz or .zip, unpacked under names of our own: no member can choose where it is written.

Nothing in an archive is believed: not a name, not a size. What comes out is counted while it is written.
"""

from __future__ import annotations

import gzip
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from lf_wrap.errors import UserError
from lf_wrap.files import shown
from lf_wrap.sources.containers.paths import ARCHIVES, is_data

BLOCK = 1 << 20
LARGEST = 20 << 30
# An archive whose content is larger than this, and so many times larger than itself, holds nothing but padding.
HARMLESS, STEEPEST = 100 << 20, 1000
GZIP = b"\x1f\x8b"
# What the standard library raises for a member that is broken, or packed in a way it does not know.
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, RuntimeError)

Readable = gzip.GzipFile | IO[bytes]


def members(path: Path, into: Path) -> list[Path]:
    """The data files in the archive at `path`, unpacked into the folder `into`, in the archive's order.

    Raises:
        UserError: the archive is broken, encrypted, a bomb, has a member that points out of it, or holds no data.
    """
    if path.name.lower().endswith((".tar.gz", ".tgz")):
        raise UserError(f"{shown(path)} is a tar archive", fix="unpack it (tar -xzf) and name the folder")
    into.mkdir(parents=True, exist_ok=True)
    unpacking = _Unpacking(path, into)
    with path.open("rb") as handle:
        is_gzip = handle.read(len(GZIP)) == GZIP
    if is_gzip:
        with gzip.open(path) as packed:
            return [unpacking.file(path.stem if path.suffix.lower() == ".gz" else path.name, packed)]
    unpacked = list(_unzipped(path, unpacking))
    if not unpacked:
        raise UserError(f"{shown(path)} holds no data files", fix="unpack it and name the files that hold the rows")
    return unpacked


def refuse_bomb(path: Path) -> None:
    """Refuses a workbook (a zip archive too) that says of itself that it unpacks to far more than any table does.

    Raises:
        UserError: it does.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > LARGEST or (size > HARMLESS and size > STEEPEST * path.stat().st_size):
        raise UserError(
            f"{shown(path)} looks like a zip bomb",
            where=f"its sheets say that they are {size:,} bytes, packed into {path.stat().st_size:,}",
            fix="use it only if you know who made it: open it in Excel and save it as CSV",
        )


@dataclass
class _Unpacking:
    """The files unpacked from one archive so far."""

    path: Path
    into: Path
    count: int = 0
    size: int = 0

    def file(self, member: str, packed: Readable) -> Path:
        """The next file, with the content of `packed`."""
        self.count += 1
        basename = re.sub(r"[^\w.-]+", "_", PurePosixPath(member).name)[-60:]
        target = self.into / f"{self.count:04}-{basename}"
        with target.open("wb") as handle:
            for block in self._blocks(member, packed):
                handle.write(block)
        return target

    def _blocks(self, member: str, packed: Readable) -> Iterator[bytes]:
        while True:
            try:
                block = packed.read(BLOCK)
            except BROKEN as error:
                raise _broken(self.path, member, error) from None
            if not block:
                return
            self.size += len(block)
            steep = self.size > HARMLESS and self.size > STEEPEST * self.path.stat().st_size
            if steep or self.size > LARGEST:
                raise UserError(
                    f"{shown(self.path)} looks like a zip bomb",
                    where=f"{member}: {self.size:,} bytes have come out of {self.path.stat().st_size:,}",
                    fix="use it only if you know who made it: unpack it yourself and name the files in it",
                )
            yield block


def _unzipped(path: Path, unpacking: _Unpacking) -> Iterator[Path]:
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        raise UserError(
            f"{shown(path)} is not a whole zip archive: {error}",
            fix="fetch it again: its index stands at its end, so a download that was cut off looks like this",
        ) from None
    with archive:
        named = [(_name(info), info) for info in archive.infolist()]
        for name, _ in named:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or re.match("[A-Za-z]:", name):
                raise UserError(
                    f"{shown(path)} has a member that points out of it: {name}",
                    fix="do not use this archive: tools that pack honestly make no such names",
                )
        for name, info in named:
            if info.is_dir() or not is_data(name):
                continue
            if PurePosixPath(name).suffix.lower() in ARCHIVES:
                raise UserError(f"{shown(path)} has an archive in it: {name}", fix="unpack the outer one yourself")
            if info.flag_bits & 1:
                raise UserError(
                    f"{shown(path)} is encrypted: {name} needs a password", fix="unpack it yourself and name its files"
                )
            try:
                packed = archive.open(info)
            except BROKEN as error:
                raise _broken(path, name, error) from None
            with packed:
                yield unpacking.file(name, packed)


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name with `/` between its parts. Windows in China writes it in GBK, and says so nowhere."""
    name = info.filename
    if not info.flag_bits & 0x800:
        for codec in ("utf-8", "gb18030"):
            try:
                name = info.filename.encode("cp437").decode(codec)
                break
            except UnicodeError:
                continue
    return name.replace("\\", "/")


def _broken(path: Path, member: str, error: Exception) -> UserError:
    return UserError(
        f"{shown(path)} cannot be unpacked",
        where=f"{member}: {error}",
        fix="fetch it again (a download that was cut off looks like this), or unpack it yourself and name its files",
    )
