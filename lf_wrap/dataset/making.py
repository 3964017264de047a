"""One dataset on its way: what its spec gives, opened, and which steps its rows will take."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson

from lf_wrap import __version__
from lf_wrap.dataset.card import Counts
from lf_wrap.dataset.convert import Steps, compared_texts, reader
from lf_wrap.dataset.fingerprint import GRAM, common_grams
from lf_wrap.dataset.spec import KEYS, DatasetSpec, SplitFiles
from lf_wrap.dataset.split import Split
from lf_wrap.dataset.unread import unread_columns
from lf_wrap.files import existing_file, sha256, shown
from lf_wrap.sources import (
    ROWS_SNIFFED,
    RawFile,
    Source,
    files_of,
    left_out,
    look_medical,
    open_all,
    recognise,
    source_named,
)

WRITES = 4  # one more whenever the same rows would be written otherwise: what was built before is then stale
CUT_OFF = "{} ends without a line break: look whether its last row is whole"
SHEETS = "{} has more sheets, of which nothing is read: {} (save each as a file of its own)"
FORMULAS = "{} has {:,} formulas without a result, read as empty cells (open it in Excel, save it, build again)"
NOT_READ = "{} is not read: its kind is unknown here (unpack or convert it)"
DETERMINING = [key for key in KEYS if key not in ("source", "get", "tokenizer")]
ROWS_LOOKED_AT = 1000  # at a file's beginning: they tell which n-grams its rows have in common
ROWS_LEFT_OUT_OF = 40  # of these, from which column after column is left out: they tell which are read


class Opened(NamedTuple):
    """A raw file, what is done to its rows, and which of their columns go into no conversation."""

    raw: RawFile
    steps: Steps
    unread: list[str]


@dataclass
class Making:
    """One dataset on its way."""

    name: str
    spec: DatasetSpec
    train: list[Opened]
    test: list[Opened]
    counts: Counts = field(default_factory=Counts)
    rows: range = range(0)
    tests: range | None = None
    sources: list[dict[str, object]] = field(default_factory=list)
    split: Split = field(default_factory=Split)

    @property
    def files(self) -> list[Opened]:
        return [*self.train, *self.test]

    @property
    def kinds(self) -> list[Source]:
        """The sources of its files, each once."""
        return list({each.steps.source.name: each.steps.source for each in self.files}.values())

    @property
    def unread(self) -> list[str]:
        """The columns of its files that go into no conversation, each once."""
        return list(dict.fromkeys(column for each in self.files for column in each.unread))


def _given(spec: DatasetSpec) -> tuple[list[str], list[str]]:
    """The paths that a spec gives for training (or for both) and for test."""
    if isinstance(spec.source, SplitFiles):
        return [spec.source.train], [spec.source.test]
    return ([spec.source] if isinstance(spec.source, str) else spec.source), []


def _fix(spec: DatasetSpec) -> str | None:
    return f"get it first: {spec.get}" if spec.get else None


def hashes_of(spec: DatasetSpec) -> dict[str, str]:
    """The SHA-256 of every file that a spec gives: where a model's data came from must be provable."""
    return {shown(path): sha256(path) for path in raw_files(spec)}


def raw_files(spec: DatasetSpec) -> list[Path]:
    """Every file that a spec gives.

    Raises:
        UserError: one is missing or empty; with how to get it, where the spec says. Or it leaves the spec's folder.
    """
    found = [(one, path) for given in _given(spec) for one in given for path in files_of(one, _fix(spec))]
    for one, path in found:
        spec.refuse_outside(one, existing_file(path, _fix(spec)))
    return [path for _, path in found]


def key_of(specs: Mapping[str, DatasetSpec], hashes: Mapping[str, dict[str, str]]) -> str:
    """A hash of all that determines the files: what is in the raw files, not where they lie."""
    said = [
        [name, {key: getattr(spec, key) for key in DETERMINING}, list(hashes[name].values())]
        for name, spec in specs.items()
    ]
    sides = [[len(side) for side in _given(spec)] for spec in specs.values()]
    return hashlib.sha256(orjson.dumps([__version__, WRITES, said, sides])).hexdigest()


def open_dataset(name: str, spec: DatasetSpec, unpacked: Path, *, prove: bool, compare: bool, near: bool) -> Making:
    """The dataset with its raw files opened. Whether rows are compared is one for all that are built together.

    `prove`: whether text files are decoded from end to end first, see `open_all`.
    """
    train, test = (
        [
            _opened(raw, spec, compare=compare, near=near)
            for one in given
            for raw in open_all(one, unpacked, _fix(spec), prove=prove)
        ]
        for given in _given(spec)
    )
    return Making(name, spec, train, test)


def _opened(raw: RawFile, spec: DatasetSpec, *, compare: bool, near: bool) -> Opened:
    """One file with what is done to its rows: a folder may hold chats and cards, each of its own type."""
    values = [value for _, value in islice(raw, ROWS_LOOKED_AT)]
    source = source_named(spec.type) if spec.type else recognise(raw, spec.columns, values[:ROWS_SNIFFED])
    steps = Steps(
        source=source(spec.prompt),
        columns={theirs: ours for ours, theirs in spec.columns.items()},
        repair=spec.repair,
        clean=spec.clean,
        thoughts=spec.thoughts,
        special_tokens=spec.special_tokens,
        turns=spec.turns,
        greeting=spec.greeting,
        longest=spec.cutoff_len,
        redact=(source.medical or look_medical(values[:ROWS_SNIFFED])) if spec.redact is None else spec.redact,
        group_by=spec.group_by,
        char=spec.char,
        compare=compare,
        near=near,
    )
    if near:
        steps = replace(steps, common=common_grams(compared_texts(values, steps), GRAM))
    spread = values[:: -(-len(values) // ROWS_LEFT_OUT_OF) or 1]
    return Opened(raw, steps, unread_columns(spread, reader(steps, Counter(), Counter())))


def warnings_of(making: Making) -> list[str]:
    """What people should look at, since nothing here can tell whether it is right."""
    files = [each.raw for each in making.files]
    told = [CUT_OFF.format(raw.name) for raw in files if raw.may_be_cut_off]
    told += [SHEETS.format(raw.name, ", ".join(others)) for raw in files if (others := raw.other_sheets)]
    told += [FORMULAS.format(raw.name, count) for raw in files if (count := raw.uncalculated)]
    return told + [
        NOT_READ.format(shown(path)) for side in _given(making.spec) for one in side for path in left_out(one)
    ]
