"""How long the rows of a built dataset are in tokens: what `cutoff_len` is chosen from."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from lf_wrap.dataset.card import quantiles
from lf_wrap.dataset.layout import from_row
from lf_wrap.dataset.registered import registered_file
from lf_wrap.dataset.shards import files_in
from lf_wrap.errors import UserError
from lf_wrap.files import atomic_write, known_sha256, shown
from lf_wrap.sources import open_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenizers import Tokenizer

    from lf_wrap.conversation import Conversation

# A chat template adds its markers to each turn and its default system text once. The longest such text among
# LLaMA-Factory's templates of the Qwen, Llama, GLM and SmolLM families is under 64 tokens, and none of them spends
# more than 8 on the markers of a turn.
TOKENS_PER_TURN, TOKENS_PER_ROW = 8, 64
ROWS_AT_ONCE = 1000
ROUND_UP_TO = 64  # a packed length must be a multiple of 8, and matrix units like 64


@dataclass(frozen=True)
class Lengths:
    """Rows of a dataset and their lengths in tokens, with an allowance for the chat template's own."""

    rows: int
    p50: int
    p90: int
    p99: int
    max: int
    total: int


@dataclass(frozen=True)
class Turns:
    """The length in tokens of every turn of a dataset, without what a chat template adds.

    `tokens[ends[i - 1]:ends[i]]` are the turns of row `i`; its system text counts to its first turn.
    """

    tokens: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        return np.concatenate(([0], self.ends[:-1])) if len(self) else self.ends

    def row(self, number: int) -> list[int]:
        """The lengths of the turns of one row."""
        begin = int(self.ends[number - 1]) if number else 0
        turns: list[int] = self.tokens[begin : int(self.ends[number])].tolist()
        return turns

    def of_rows(self) -> npt.NDArray[np.int64]:
        """The length of each row, with an allowance for the chat template."""
        sums = np.concatenate(([0], np.cumsum(self.tokens, dtype=np.int64)))
        turns = self.ends - self.starts
        rows: npt.NDArray[np.int64] = sums[self.ends] - sums[self.starts] + TOKENS_PER_ROW + TOKENS_PER_TURN * turns
        return rows

    def lengths(self) -> Lengths:
        """The rows' lengths in a few numbers."""
        rows = self.of_rows()
        return Lengths(rows=len(rows), **quantiles(rows), total=int(rows.sum()))


def conversations(dataset_dir: Path, name: str) -> Iterator[Conversation]:
    """The rows of a registered dataset, in whatever file LLaMA-Factory reads: JSON Lines, a JSON array, CSV, Parquet.

    Raises:
        UserError: the dataset is not there, or a row is not what its entry says.
    """
    entry, path = registered_file(dataset_dir, name)
    numbered = enumerate((row for file in files_in(path) for row in _rows(file)), 1)
    for number, row in numbered:
        try:
            yield from_row(orjson.loads(row) if isinstance(row, bytes) else row, entry)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise UserError(
                f"{shown(path)} is not what dataset_info.json says of {name!r}: {error!r}",
                where=f"row {number}",
                fix="build the dataset again, or mend its entry",
            ) from None


def _rows(path: Path) -> Iterator[Any]:
    """The rows of a file: as bytes from JSON Lines, which need no look at the whole file first, else as values."""
    if path.suffix == ".jsonl":
        with path.open("rb") as handle:
            yield from (line for line in handle if line.strip())
    else:
        yield from (value for _, value in open_rows(path))


def turn_lengths(dataset_dir: Path, name: str, tokenizer_json: Path) -> Turns:
    """The turns of dataset `name` with the tokenizer in `tokenizer_json`; counted once for the same content.

    Raises:
        UserError: the dataset is not there, or a row is not what its entry says.
    """
    _, path = registered_file(dataset_dir, name)
    cached = dataset_dir / ".lengths" / f"{known_sha256(path)[:16]}-{known_sha256(tokenizer_json)[:16]}.npz"
    if cached.is_file():
        with np.load(cached) as stored:
            return Turns(stored["tokens"], stored["ends"])
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    tokens, turns = array("i"), array("q")
    rows = conversations(dataset_dir, name)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        texts = [text for row in batch for text in _texts(row)]
        tokens.extend(len(encoding.ids) for encoding in tokenizer.encode_batch(texts, add_special_tokens=False))
        turns.extend(max(1, len(row.turns)) for row in batch)
    counted = Turns(np.array(tokens, np.int32), np.cumsum(np.array(turns, np.int64)))
    with atomic_write(cached) as handle:
        np.savez(handle, tokens=counted.tokens, ends=counted.ends)
    return counted


def token_lengths(dataset_dir: Path, name: str, tokenizer_json: Path) -> Lengths:
    """The lengths of the rows of dataset `name` with the tokenizer in `tokenizer_json`."""
    return turn_lengths(dataset_dir, name, tokenizer_json).lengths()


def _texts(row: Conversation) -> list[str]:
    """What is counted as the turns of a row: the system text goes with the first."""
    first, *others = [turn.text for turn in row.turns] or [""]
    return [row.system + first, *others]


def row_tokens(tokenizer: Tokenizer, rows: list[Conversation]) -> list[int]:
    """The length of each row in tokens, with an allowance for the chat template."""
    texts = [row.system + "".join(turn.text for turn in row.turns) for row in rows]
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [
        len(encoding.ids) + TOKENS_PER_ROW + TOKENS_PER_TURN * len(row.turns)
        for row, encoding in zip(rows, encodings, strict=True)
    ]
