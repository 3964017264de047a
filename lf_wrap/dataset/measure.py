"""How long the rows of a built dataset are in tokens: what `cutoff_len` is chosen from."""

from __future__ import annotations

import json
from array import array
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from lf_wrap.dataset.card import quantiles
from lf_wrap.dataset.layout import from_row
from lf_wrap.dataset.register import registered_file
from lf_wrap.errors import UserError
from lf_wrap.files import sha256, shown, write_text

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


def conversations(dataset_dir: Path, name: str) -> Iterator[Conversation]:
    """The rows of a registered dataset.

    Raises:
        UserError: the dataset is not there, or a row is not what its entry says.
    """
    entry, path = registered_file(dataset_dir, name)
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            try:
                yield from_row(orjson.loads(line), entry)
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise UserError(
                    f"{shown(path)} is not what dataset_info.json says of {name!r}: {error!r}",
                    where=f"row {number}",
                    fix="build the dataset again, or mend its entry",
                ) from None


def token_lengths(dataset_dir: Path, name: str, tokenizer_json: Path) -> Lengths:
    """The lengths of dataset `name` with the tokenizer in `tokenizer_json`; counted once for the same content."""
    _, path = registered_file(dataset_dir, name)
    cached = dataset_dir / ".lengths" / f"{sha256(path)[:16]}-{sha256(tokenizer_json)[:16]}.json"
    if cached.is_file():
        return Lengths(**json.loads(cached.read_text(encoding="utf-8")))
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    counted = array("I")
    rows = conversations(dataset_dir, name)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        counted.extend(row_tokens(tokenizer, batch))
    lengths = Lengths(rows=len(counted), **quantiles(counted))
    write_text(cached, json.dumps(asdict(lengths)))
    return lengths


def row_tokens(tokenizer: Tokenizer, rows: list[Conversation]) -> list[int]:
    """The length of each row in tokens, with an allowance for the chat template."""
    texts = [row.system + "".join(turn.text for turn in row.turns) for row in rows]
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    return [
        len(encoding.ids) + TOKENS_PER_ROW + TOKENS_PER_TURN * len(row.turns)
        for row, encoding in zip(rows, encodings, strict=True)
    ]
