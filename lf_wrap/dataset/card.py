"""The data card: what a dataset holds and where every row went, for people (`.card.md`) and programs (`.card.json`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lf_wrap.dataset.layout import Layout
from lf_wrap.errors import UserError
from lf_wrap.files import shown


@dataclass
class Counts:
    """Where the rows went. `read` is the sum of all the others but `repairs` and `redactions`, always."""

    read: int = 0
    train: int = 0
    test: int = 0
    duplicates: int = 0
    near_duplicates: int = 0
    leaks: int = 0
    not_sampled: int = 0
    expanded: int = 0
    """Rows gained (negative) or lost when one row became several or several became one."""
    rejects: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)

    @property
    def accounted(self) -> int:
        """The right-hand side of the law of conservation."""
        kept = self.train + self.test + self.not_sampled + self.expanded
        return kept + self.duplicates + self.near_duplicates + self.leaks + self.rejects.total()

    def parts(self) -> list[tuple[str, int]]:
        """What the rows read came to, zeros left out: their sum is `read`, always."""
        parts = [("train", self.train), ("test", self.test), ("duplicates", self.duplicates)]
        parts += [("near-duplicates", self.near_duplicates), ("leaks", self.leaks), ("not sampled", self.not_sampled)]
        parts += [(f"rejected ({reason})", count) for reason, count in self.rejects.most_common()]
        return [(what, count) for what, count in [*parts, ("expanded", self.expanded)] if count]

    def law(self) -> str:
        """The law with this dataset's numbers."""
        return f"{self.read:,} read = " + " + ".join(f"{count:,} {what}" for what, count in self.parts())


@dataclass
class Card:
    """Everything `lfw` knows about a built dataset."""

    name: str
    type: str
    task: str
    layout: Layout
    encoding: str
    prompt: str
    key: str
    """A hash of all that determines the files: sources, spec, version. Equal keys mean nothing to build."""
    counts: Counts
    characters: dict[str, int]
    answer_characters: dict[str, int]
    turns: dict[str, int]
    tokens: dict[str, int] | None
    """Lengths in tokens, the `cutoff_len` they advise and how many rows it would `cut`; None without a tokenizer."""
    languages: dict[str, int]
    labels: dict[str, int]
    """How often each answer occurs, when the answers are labels."""
    reject_examples: dict[str, list[str]]
    leak_pairs: list[dict[str, str]]
    """Some training rows that were removed, each with the test question it asks."""
    near_pairs: list[dict[str, str]]
    """Some near-duplicates that were removed, each with the row that stayed."""
    sources: list[dict[str, Any]]
    files: dict[str, str]
    hashes: dict[str, str]
    seconds: float
    test_groups: list[list[int]] = field(default_factory=list)
    """Test rows, by their numbers from 1, that ask alike or have one group id: they are no independent evidence."""
    unread: list[str] = field(default_factory=list)
    """The columns of the raw files that go into no conversation (`messages.id`: a key of what stands in `messages`)."""
    warnings: list[str] = field(default_factory=list)
    """What people should look at, since nothing here can tell whether it is right."""

    def result(self) -> dict[str, Any]:
        """The dataset's part of `lfw build-data --json`."""
        told = {"name": self.name, "type": self.type, "encoding": self.encoding, **vars(self.counts)}
        return {**told, "files": self.files, "unread": self.unread, "warnings": self.warnings, "seconds": self.seconds}


def quantiles(values: Sequence[int] | npt.NDArray[Any]) -> dict[str, int]:
    """p50, p90, p99 and max of some lengths (nearest rank); zeros when there are none."""
    if not len(values):
        return {"p50": 0, "p90": 0, "p99": 0, "max": 0}
    ordered = np.sort(np.asarray(values))
    at = {f"p{percent}": int(ordered[min(len(ordered) - 1, percent * len(ordered) // 100)]) for percent in (50, 90, 99)}
    return {**at, "max": int(ordered[-1])}


def to_json(card: Card) -> str:
    """The card as it is stored; `load_card` reads it back."""
    return json.dumps({**vars(card), "counts": vars(card.counts)}, ensure_ascii=False, indent=2) + "\n"


def load_card(dataset_dir: Path, name: str) -> Card | None:
    """The card of dataset `name`, or None when lfw did not build it.

    Raises:
        UserError: the card's file is broken.
    """
    path = dataset_dir / f"{name}.card.json"
    if not path.exists():
        return None
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        counts = stored.pop("counts")
        for kind in ("rejects", "redactions", "repairs"):
            counts[kind] = Counter(counts[kind])
        return Card(counts=Counts(**counts), **stored)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{shown(path)} is not a data card: {error}", fix="build the dataset again") from None


def to_markdown(card: Card, example: dict[str, Any]) -> str:
    """The card as a page: where the rows went, how long they are, what one looks like."""
    counts = card.counts
    lines = [
        f"# {card.name}",
        "",
        f"{card.type}, {card.layout}, {counts.train:,} training and {counts.test:,} test rows.",
        "",
    ]
    lines += ["## Where every row went", "", f"`{counts.law()}`", ""]
    lines += [f"- **{warning}**" for warning in card.warnings]
    lines += [f"- repaired: {what}: {count:,}" for what, count in counts.repairs.items() if count]
    if card.unread:
        lines.append(f"- columns that are not read: {', '.join(card.unread)}")
    lines += ["", "## Lengths", "", "| | p50 | p90 | p99 | max |", "|---|---|---|---|---|"]
    for what, lengths in (
        ("characters a row", card.characters),
        ("characters an answer", card.answer_characters),
        ("turns", card.turns),
    ):
        lines.append(f"| {what} | " + " | ".join(f"{lengths[at]:,}" for at in ("p50", "p90", "p99", "max")) + " |")
    if card.tokens:
        told = card.tokens
        lines.append("| tokens a row | " + " | ".join(f"{told[at]:,}" for at in ("p50", "p90", "p99", "max")) + " |")
        lines += ["", f"Advised `cutoff_len: {told['cutoff_len']}`, which would cut {told['cut']:,} rows."]
    lines += ["", f"Languages of the answers: {_listed(card.languages)}."]
    if card.labels:
        lines += ["", f"The answers are labels: {_listed(card.labels)}."]
    if card.reject_examples:
        lines += ["", "## Rejected, for example", ""]
        lines += [f"- {reason}: {told}" for reason, some in card.reject_examples.items() for told in some]
    for title, pairs in (("Near-duplicates removed", card.near_pairs), ("Leaks removed", card.leak_pairs)):
        if pairs:
            lines += ["", f"## {title}, with the row that stayed", ""]
            lines += [f"- {_short(pair['removed'])} ~ {_short(pair['stays'])}" for pair in pairs]
    lines += ["", "## Sources", "", "| file | encoding | rows | SHA-256 |", "|---|---|---|---|"]
    lines += [
        f"| {made['file']} | {made['encoding']} | {made['rows']:,} | `{made['sha256'][:16]}…` |"
        for made in card.sources
    ]
    lines += [
        "",
        "## The first training row",
        "",
        "```json",
        json.dumps(example, ensure_ascii=False, indent=2),
        "```",
        "",
    ]
    return "\n".join(lines)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts.items())


def _short(text: str, longest: int = 120) -> str:
    """One line of a text, for a list."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
