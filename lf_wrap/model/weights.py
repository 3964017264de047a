"""A model folder's tensors by name, one at a time: a merge of any size is checked in the memory of its largest tensor.

A safetensors file begins with the length of its header (8 bytes, little-endian), then the header: JSON that says each
tensor's dtype, shape and place. https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lf_wrap.errors import UserError
from lf_wrap.files import shown

if TYPE_CHECKING:
    import torch

# safetensors' names of the dtypes that weights come in, with PyTorch's.
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
EXPONENTS = {"float64": 0x7FF << 52, "float32": 0xFF << 23, "float16": 0x1F << 10, "bfloat16": 0xFF << 7}
AT_ONCE = 16 << 20  # numbers
LARGEST_HEADER = 100 << 20
FETCH_AGAIN = "copy or fetch the model again; for a checkpoint, take the one before it"


@dataclass(frozen=True)
class Tensor:
    """What a safetensors header says of one tensor."""

    file: Path
    dtype: str
    shape: tuple[int, ...]
    begins: int
    """The byte of the file that it begins with."""

    def is_finite(self) -> bool:
        """Whether it holds neither NaN nor infinity: in both all bits of the exponent are set (IEEE 754).

        Read without torch, which takes longer to import than an adapter to be read.
        """
        if self.dtype not in EXPONENTS:
            return True
        bits = np.dtype(f"<u{BYTES[self.dtype]}")
        left, at, mask = math.prod(self.shape), self.begins, bits.type(EXPONENTS[self.dtype])
        while left:
            part = np.fromfile(self.file, bits, min(left, AT_ONCE), offset=at)
            if np.any(part & mask == mask):
                return False
            left, at = left - len(part), at + part.nbytes
        return True


@dataclass(frozen=True)
class Weights:
    """The weights in `folder`: a model's (`stem` "model") or an adapter's ("adapter_model")."""

    folder: Path
    stem: str = "model"

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by its name; only headers are read.

        Raises:
            UserError: there are no safetensors files, one of them is missing, or one is cut off.
        """
        found: dict[str, Tensor] = {}
        for file in self._files():
            found |= dict(_header(file))
        return found

    @property
    def in_pickles(self) -> bool:
        """Whether they are PyTorch's older .bin files alone, not read here: unpickling runs what is in them."""
        return not any(self.folder.glob(f"{self.stem}*.safetensors*")) and any(self.folder.glob("pytorch_model*.bin"))

    def __getitem__(self, name: str) -> torch.Tensor:
        """The tensor called `name`, on the CPU, as it is stored."""
        from safetensors import safe_open

        with safe_open(self.tensors[name].file, framework="pt") as opened:
            return opened.get_tensor(name)

    @property
    def dtype(self) -> str:
        """The dtype that holds most of the numbers, in PyTorch's words."""
        sizes: dict[str, int] = {}
        for tensor in self.tensors.values():
            sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + math.prod(tensor.shape)
        return max(sizes, key=lambda dtype: sizes[dtype]) if sizes else "float32"

    @property
    def numbers(self) -> int:
        """How many parameters there are."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())

    def first_not_finite(self) -> str | None:
        """The name of the first tensor that holds NaN or infinity; None when all are sound."""
        return next((name for name, tensor in self.tensors.items() if not tensor.is_finite()), None)

    def _files(self) -> list[Path]:
        index = self.folder / f"{self.stem}.safetensors.index.json"
        if index.is_file():
            try:
                named = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UserError(f"{shown(index)} is no index of weights: {error!r}", fix=FETCH_AGAIN) from None
            missing = sorted(name for name in named if not (self.folder / Path(name).name).is_file())
            if missing:
                raise UserError(
                    f"{shown(self.folder)} is not whole: {len(missing)} of {len(named)} weight files are missing",
                    where=", ".join(missing[:3]),
                    fix=FETCH_AGAIN,
                )
            return [self.folder / Path(name).name for name in sorted(named)]
        single = self.folder / f"{self.stem}.safetensors"
        if not single.is_file():
            raise UserError(
                f"{shown(self.folder)} holds no {single.name}",
                where=", ".join(sorted(file.name for file in self.folder.glob("*"))[:8]) or "the folder is empty",
                fix="it was not saved to its end, or in another format than safetensors: "
                "train on, take another checkpoint, or save it again with transformers",
            )
        return [single]


def _header(file: Path) -> Iterator[tuple[str, Tensor]]:
    """Every tensor, with its name, in a safetensors file whose length is as its header says."""
    size = file.stat().st_size
    with file.open("rb") as handle:
        begin = handle.read(8)
        length = struct.unpack("<Q", begin)[0] if len(begin) == 8 else size
        if length > min(size, LARGEST_HEADER):
            raise _cut_off(file, f"{size:,} bytes, less than its header takes")
        try:
            header: dict[str, Any] = json.loads(handle.read(length))
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            ends = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _cut_off(file, "its header is not JSON") from None
    if size != 8 + length + ends:
        raise _cut_off(file, f"{size:,} bytes of {8 + length + ends:,}")
    for name, entry in entries.items():
        dtype = DTYPES.get(entry["dtype"], str(entry["dtype"]))
        yield name, Tensor(file, dtype, tuple(entry["shape"]), 8 + length + entry["data_offsets"][0])


def _cut_off(file: Path, where: str) -> UserError:
    return UserError(f"{shown(file)} is half-written", where=where, fix=FETCH_AGAIN)
