"""All converted rows of a build: their lines in a file, and the numbers that decide about them in files that are mapped
into memory once all are there. So while rows are converted, memory does not grow with them.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from lf_wrap.dataset.convert import ARRAYS, Converted
from lf_wrap.dataset.fingerprint import Hashes, Signatures

PIECE = 1 << 20  # bytes handed on at a time
Numbers = npt.NDArray[np.integer[Any]]


@dataclass
class Pool:
    """Rows numbered from 0 in the order in which they were added; `seal` makes the arrays."""

    path: Path
    """The file that holds the lines, end to end."""
    _numbers: dict[str, IO[bytes]] = field(init=False)
    """The arrays so far."""
    _like: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    """An array of each kind."""
    _rows: int = 0
    sizes: npt.NDArray[np.uint32] = field(init=False)
    characters: npt.NDArray[np.uint32] = field(init=False)
    answer_characters: npt.NDArray[np.uint32] = field(init=False)
    like_grams: npt.NDArray[np.uint32] = field(init=False)
    asks_grams: npt.NDArray[np.uint32] = field(init=False)
    turns: npt.NDArray[np.uint32] = field(init=False)
    whole: Hashes = field(init=False)
    question: Hashes = field(init=False)
    group: Hashes = field(init=False)
    like: Signatures = field(init=False)
    asks_like: Signatures = field(init=False)

    def __post_init__(self) -> None:
        self._file = self.path.open("wb")
        self._numbers = {name: tempfile.TemporaryFile(dir=self.path.parent) for name in ARRAYS}  # noqa: SIM115

    def __len__(self) -> int:
        return self._rows

    def add(self, converted: Converted) -> None:
        """Appends the rows of one part."""
        self._file.write(converted.lines)
        self._rows += len(converted.sizes)
        for name, numbers in self._numbers.items():
            added = self._like[name] = getattr(converted, name)
            numbers.write(added.tobytes())

    def seal(self) -> None:
        """Ends the adding: the arrays are there, the lines can be read."""
        self._file.close()
        for name, numbers in self._numbers.items():
            like = self._like.get(name, np.zeros(0, np.uint32))
            setattr(self, name, np.frombuffer(_mapped(numbers), like.dtype).reshape(-1, *like.shape[1:]))

    @cached_property
    def offsets(self) -> Numbers:
        """Where each line begins, and where the last one ends. Made when lines are looked for, as small as can be."""
        small = self.path.stat().st_size < 1 << 32
        offsets: Numbers = np.zeros(len(self) + 1, np.uint32 if small else np.int64)
        offsets[1:] = self.sizes
        np.cumsum(offsets, dtype=offsets.dtype, out=offsets)  # in place: no second array
        return offsets

    def lines(self, numbers: Sequence[int] | Numbers) -> Iterator[bytes]:
        """The lines of these rows, in this order, each with its line break; neighbours come in one piece."""
        if not len(numbers):
            return
        chosen = np.asarray(numbers, np.int64)
        breaks = np.flatnonzero(np.diff(chosen) != 1) + 1
        firsts, lasts = chosen[np.concatenate(([0], breaks))], chosen[np.concatenate((breaks - 1, [len(chosen) - 1]))]
        starts, stops = self.offsets[firsts].tolist(), self.offsets[lasts + 1].tolist()
        with self.path.open("rb") as file:
            for start, stop in zip(starts, stops, strict=True):
                for at in range(start, stop, PIECE):
                    yield os.pread(file.fileno(), min(PIECE, stop - at), at)

    def line(self, number: int) -> bytes:
        """The line of one row."""
        return next(self.each([number]))

    def each(self, numbers: Sequence[int]) -> Iterator[bytes]:
        """The lines of these rows, in this order, one by one."""
        with self.path.open("rb") as file:
            for number in numbers:
                yield os.pread(file.fileno(), int(self.sizes[number]), int(self.offsets[number]))


def _mapped(file: IO[bytes]) -> mmap.mmap | bytes:
    """What was written to a file, which is closed; its pages are read when they are looked at, and may be dropped."""
    with file:
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b""
