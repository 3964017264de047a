"""Mixing: domain rows with general rows, so that a model learns the one and does not forget the other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import orjson

from lf_wrap.conversation import Conversation, Turn
from lf_wrap.dataset.layout import alpaca_to_sharegpt, entry, layout_for, to_row
from lf_wrap.dataset.measure import conversations, turn_lengths
from lf_wrap.dataset.register import register
from lf_wrap.errors import UserError
from lf_wrap.files import atomic_write

Measure = Literal["rows", "characters", "tokens"]


@dataclass(frozen=True)
class Mix:
    """Which datasets are mixed in what proportion."""

    domain: list[str]
    general: list[str] = field(default_factory=list)
    ratio: float = 1.0
    """General : domain; 0 for no general rows, 5 for five to one."""
    by: Measure = "rows"
    weights: dict[str, float] = field(default_factory=dict)
    """1 when left out; 2 takes every row twice."""
    seed: int = 42
    as_text: bool = False
    """Conversations become plain text, for continued pretraining."""


def counted_in(wish: Mix, tokenizer_json: Path | None) -> Measure:
    """What the parts of a mix are measured in: without a tokenizer tokens cannot be counted, and characters are."""
    return "characters" if wish.by == "tokens" and tokenizer_json is None else wish.by


def mix(name: str, wish: Mix, dataset_dir: Path, tokenizer_json: Path | None = None) -> dict[str, int]:
    """Writes and registers dataset `name`; returns how many rows of each dataset are in it.

    A dataset's weight times its rows is its part; general datasets are then scaled together to `ratio` times the
    domain's size, in rows, characters or tokens (see `counted_in`). A part beyond a dataset's rows repeats them, each
    as often as every other or once more; a part below draws without repeating. Same inputs and seed, same bytes.

    Raises:
        UserError: a dataset is missing, or is plain text among conversations.
    """
    loaded = _loaded(wish, dataset_dir)
    drawer = random.Random(wish.seed)  # noqa: S311  (reproducible on purpose)
    drawn = {
        one: _drawn(loaded[one], wanted, drawer)
        for one, wanted in _parts(wish, loaded, dataset_dir, tokenizer_json).items()
    }
    rows = [as_text(row) if wish.as_text else row for some in drawn.values() for row in some]
    if not rows:
        raise UserError(f"the mix {name!r} holds no rows", fix="raise its ratio or weights")
    drawer.shuffle(rows)
    _write(name, rows, dataset_dir)
    return {one: len(some) for one, some in drawn.items()}


def planned(wish: Mix, dataset_dir: Path, tokenizer_json: Path | None = None) -> dict[str, tuple[int, int]]:
    """How many rows each dataset has, and how many of them `mix` would take; writes nothing.

    Raises:
        UserError: a dataset is missing.
    """
    loaded = _loaded(wish, dataset_dir)
    wanted = _parts(wish, loaded, dataset_dir, tokenizer_json)
    return {one: (len(rows), wanted[one] if rows else 0) for one, rows in loaded.items()}


def _loaded(wish: Mix, dataset_dir: Path) -> dict[str, list[Conversation]]:
    return {one: list(conversations(dataset_dir, one)) for one in (*wish.domain, *wish.general)}


def _parts(
    wish: Mix, loaded: dict[str, list[Conversation]], dataset_dir: Path, tokenizer_json: Path | None
) -> dict[str, int]:
    """How many rows of each dataset are wanted."""
    parts = {one: wish.weights.get(one, 1.0) * len(rows) for one, rows in loaded.items()}
    counted = counted_in(wish, tokenizer_json)

    def size(one: str) -> int:
        if counted == "tokens" and tokenizer_json:
            return int(turn_lengths(dataset_dir, one, tokenizer_json).tokens.sum())
        return _characters(loaded[one]) if counted == "characters" else len(loaded[one])

    sizes = {one: part / max(1, len(loaded[one])) * size(one) for one, part in parts.items()}
    general = sum(sizes[one] for one in wish.general)
    if general:
        scale = wish.ratio * sum(sizes[one] for one in wish.domain) / general
        parts |= {one: parts[one] * scale for one in wish.general}
    return {one: round(part) for one, part in parts.items()}


def as_text(row: Conversation) -> Conversation:
    """All that is said in a conversation as one text, without a word on who says it: a base model knows no roles."""
    said = [row.system, *(turn.text for turn in row.turns)]
    return Conversation((Turn("user", "\n".join(part for part in said if part)),))


def _drawn(rows: Sequence[Conversation], wanted: int, drawer: random.Random) -> list[Conversation]:
    if not rows:
        return []
    whole, rest = divmod(wanted, len(rows))
    return [*rows] * whole + drawer.sample(rows, rest)


def _characters(rows: Sequence[Conversation]) -> int:
    return sum(len(turn.text) for row in rows for turn in row.turns)


def _write(name: str, rows: list[Conversation], dataset_dir: Path) -> None:
    layout = layout_for({len(row.turns) for row in rows}, name)
    with atomic_write(dataset_dir / f"{name}_train.jsonl") as handle:
        for row in rows:
            made = to_row(row)
            if layout == "sharegpt" and "instruction" in made:
                made = alpaca_to_sharegpt(made)
            handle.write(orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE))
    register(dataset_dir, {name: entry(layout, f"{name}_train.jsonl")})
