"""What a dataset's rows are like: languages, labels, lengths in tokens. For the card; decides about nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from lf_wrap.dataset.card import quantiles
from lf_wrap.dataset.deduplicate import Numbers
from lf_wrap.dataset.layout import Layout, entry, from_row
from lf_wrap.dataset.measure import ROUND_UP_TO, ROWS_AT_ONCE, row_tokens
from lf_wrap.dataset.pool import Pool

# So many rows, evenly spread, tell languages and labels well enough: a share of 2 % to within 0.4 (a standard error
# of 0.2), and ten rows of each of the most labels there may be.
ROWS_LOOKED_AT = 5_000
SCRIPTS = {
    "Japanese": re.compile(r"[\u3040-\u30ff]"),
    "Korean": re.compile(r"[\uac00-\ud7af]"),
    "Chinese": re.compile(r"[\u4e00-\u9fff]"),
    "Cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "Latin": re.compile(r"[A-Za-z]{2}"),
}
# Answers are labels when there are few of them and each occurs about ten times.
MOST_LABELS, ROWS_PER_LABEL, LONGEST_LABEL = 50, 10, 40


def languages(answers: list[str]) -> dict[str, int]:
    """How many answers are in which language or script: the first of `SCRIPTS` found in them."""
    found = Counter(next((name for name, script in SCRIPTS.items() if script.search(text)), "none") for text in answers)
    return dict(found.most_common())


def labels(answers: list[str]) -> dict[str, int]:
    """How often each answer occurs, when they are labels; empty otherwise."""
    counted = Counter(answers)
    if (
        len(counted) > MOST_LABELS
        or len(answers) < ROWS_PER_LABEL * len(counted)
        or max(map(len, counted)) > LONGEST_LABEL
    ):
        return {}
    return dict(counted.most_common())


def some_answers(pool: Pool, numbers: Numbers) -> list[str]:
    """The last answers of at most `ROWS_LOOKED_AT` of these rows, evenly spread."""
    spread = np.linspace(0, len(numbers) - 1, min(len(numbers), ROWS_LOOKED_AT)).astype(np.int64)
    return [_last_words(orjson.loads(line)) for line in pool.each(numbers[spread].tolist())]


def token_lengths(pool: Pool, numbers: Numbers, tokenizer_json: Path) -> dict[str, Any]:
    """Quantiles of the rows' lengths in tokens (chat template allowed for), and the `cutoff_len` they advise.

    The advised length holds 99 rows of 100, or all when the longest is no more than twice that; `cut` says how many
    rows it would cut.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    counted: list[int] = []
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        lines = pool.each(numbers[start : start + ROWS_AT_ONCE].tolist())
        counted += row_tokens(tokenizer, [from_row(*_described(line)) for line in lines])
    told = quantiles(counted)
    wanted = told["max"] if told["max"] <= 2 * told["p99"] else told["p99"]
    advised = ceil(wanted / ROUND_UP_TO) * ROUND_UP_TO
    return {**told, "cutoff_len": advised, "cut": sum(length > advised for length in counted)}


def _described(line: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row of ours, and the entry that describes its own layout."""
    row = orjson.loads(line)
    layout: Layout = "sharegpt" if "conversations" in row else "text" if "text" in row else "alpaca"
    return row, entry(layout, "")


def _last_words(row: dict[str, Any]) -> str:
    if "conversations" in row:
        return str(row["conversations"][-1]["value"])
    return str(row.get("output", row.get("text", "")))


def examples(rejects: Path, most: int = 3) -> dict[str, list[str]]:
    """For each reason the first rejects: file, row and detail, never the row itself, which may hold personal data."""
    told: dict[str, list[str]] = {}
    for reject in _lines(rejects):
        some = told.setdefault(reject["reason"], [])
        if len(some) < most:
            some.append(f"{reject['file']}, row {reject['row']}: {reject['detail'][:100]}")
    return told


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(json.loads, file)  # the raw rows may hold half a character, which orjson refuses
