"""From raw files to a registered dataset: convert, split, write, register. Every row is counted."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lf_wrap import __version__
from lf_wrap.conversation import Conversation, Reject
from lf_wrap.dataset import card as cards
from lf_wrap.dataset.card import Card, Counts
from lf_wrap.dataset.layout import Layout, entry, to_row
from lf_wrap.dataset.register import register, registered
from lf_wrap.dataset.spec import DatasetSpec, SplitFiles
from lf_wrap.dataset.split import Split, split_files, split_one
from lf_wrap.dataset.spool import Spool
from lf_wrap.dataset.turns import alternate
from lf_wrap.errors import UserError
from lf_wrap.files import locked, sha256, shown
from lf_wrap.sources import RawFile, Source, open_rows, recognise, source_named

OnRows = Callable[[int], None]
ROWS_BETWEEN_REPORTS = 1000


@dataclass
class _Input:
    """The raw files of one dataset, opened, with the source that reads them."""

    train: list[RawFile]
    test: list[RawFile]
    source: Source

    @property
    def files(self) -> list[RawFile]:
        return [*self.train, *self.test]


def build(name: str, spec: DatasetSpec, out: Path, on_rows: OnRows = lambda rows: None) -> Card:
    """Builds dataset `name` into `out` and registers it there; `on_rows` hears how many rows have been read.

    Raises:
        UserError: a source cannot be read, no row of it can be used, or the name belongs to someone else's entry.
    """
    began = time.monotonic()
    opened = _open(spec)
    key = _key(spec, opened)
    _refuse_foreign_name(name, out)
    out.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=out, prefix=f".{name}.building."))
    try:
        with Spool(staging) as spool:
            counts = Counts()
            with (staging / f"{name}.rejects.jsonl").open("wb") as rejects:
                rows = [
                    _convert(raw, spec, opened.source, spool, counts, rejects.write, on_rows) for raw in opened.train
                ]
                tests_from = len(spool)
                rows += [
                    _convert(raw, spec, opened.source, spool, counts, rejects.write, on_rows) for raw in opened.test
                ]
            split = _split(spool, tests_from, spec)
            _count(split, counts)
            _refuse_nothing_usable(split, counts, opened)
            layout: Layout = "alpaca" if max(spool.turns) == 2 else "sharegpt"
            files = _write(name, staging, spool, split, layout)
            card = _card(name, spec, opened, rows, key, layout, counts, spool, split)
        card.files = {kind: shown(out / file.name) for kind, file in files.items()}
        card.hashes = {kind: sha256(file) for kind, file in files.items()}
        card.seconds = round(time.monotonic() - began, 3)
        first = orjson.loads(files["train"].open("rb").readline())
        (staging / f"{name}.card.json").write_text(cards.to_json(card), encoding="utf-8")
        (staging / f"{name}.card.md").write_text(cards.to_markdown(card, first), encoding="utf-8")
        _put_in_place(name, staging, out, layout)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return card


def is_fresh(name: str, spec: DatasetSpec, out: Path) -> bool:
    """Whether the files in `out` are what building `name` now would write."""
    card = cards.load_card(out, name)
    if card is None or name not in registered(out) or card.key != _key(spec, _open(spec)):
        return False
    files = {kind: out / Path(file).name for kind, file in card.files.items()}
    return all(file.is_file() and sha256(file) == card.hashes[kind] for kind, file in files.items())


def _open(spec: DatasetSpec) -> _Input:
    fix = f"get it first: {spec.get}" if spec.get else None
    if isinstance(spec.source, SplitFiles):
        train, test = [spec.source.train], [spec.source.test]
    else:
        train, test = ([spec.source] if isinstance(spec.source, str) else spec.source), []
    raw = [[open_rows(Path(path), fix) for path in paths] for paths in (train, test)]
    source = source_named(spec.type) if spec.type else recognise(raw[0][0], spec.columns)
    return _Input(raw[0], raw[1], source(spec.prompt))


def _key(spec: DatasetSpec, opened: _Input) -> str:
    said = spec.model_dump(exclude={"source", "get"}) | {"type": opened.source.name, "prompt": opened.source.prompt}
    hashes = [sha256(raw.path) for raw in opened.files] + [str(len(opened.train)), __version__]
    return hashlib.sha256(orjson.dumps([said, hashes])).hexdigest()


def _refuse_foreign_name(name: str, out: Path) -> None:
    entries = registered(out)
    for taken, file in ((name, f"{name}_train.jsonl"), (f"{name}_test", f"{name}_test.jsonl")):
        if taken in entries and entries[taken].get("file_name") != file:
            raise UserError(
                f"{taken!r} is registered in {shown(out)} for something that lfw did not write",
                fix="choose another --name",
            )


def _convert(
    raw: RawFile,
    spec: DatasetSpec,
    source: Source,
    spool: Spool,
    counts: Counts,
    reject: Callable[[bytes], Any],
    on_rows: OnRows,
) -> int:
    """Reads one raw file into the spool; returns how many rows it had."""
    renamed = {theirs: ours for ours, theirs in spec.columns.items()}
    before = counts.read
    for number, row in raw:
        if renamed and isinstance(row, dict):
            row = {renamed.get(key, key): value for key, value in row.items()}
        result = source.read(row)
        if isinstance(result, Conversation):
            result = alternate(result, counts.repairs)
        if isinstance(result, Reject):
            counts.rejects[result.reason] += 1
            kept = None if isinstance(row, Reject) else row
            told = {
                "file": shown(raw.path),
                "row": number,
                "reason": result.reason,
                "detail": result.detail,
                "raw": kept,
            }
            reject(orjson.dumps(told, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS))
        else:
            spool.append(result)
        counts.read += 1
        if counts.read % ROWS_BETWEEN_REPORTS == 0:
            on_rows(counts.read)
    on_rows(counts.read)
    return counts.read - before


def _split(spool: Spool, tests_from: int, spec: DatasetSpec) -> Split:
    if isinstance(spec.source, SplitFiles):
        return split_files(spool, tests_from, spec.train, spec.test, deduplicate=spec.deduplicate)
    return split_one(spool, spec.train, spec.test, seed=spec.seed, deduplicate=spec.deduplicate)


def _count(split: Split, counts: Counts) -> None:
    counts.train, counts.test = len(split.train), len(split.test)
    counts.duplicates, counts.leaks, counts.not_sampled = split.duplicates, split.leaks, split.not_sampled
    if counts.read != counts.accounted:
        raise AssertionError(f"rows were lost: {counts.law()}")


def _refuse_nothing_usable(split: Split, counts: Counts, opened: _Input) -> None:
    if split.train:
        return
    file = shown(opened.files[0].path)
    if not counts.read:
        raise UserError(f"{file} has no rows", fix="check that it is the right file")
    raise UserError(
        f"no row of {file} is left to train on: {counts.law()}",
        where=f"read as {opened.source.name}: {opened.source.shape}",
        fix="give the right --type, map the names with `columns:` in a spec, or ask for fewer test rows",
    )


def _write(name: str, folder: Path, spool: Spool, split: Split, layout: Layout) -> dict[str, Path]:
    files = {"train": folder / f"{name}_train.jsonl", "rejects": folder / f"{name}.rejects.jsonl"}
    _write_rows(files["train"], spool.read(split.train), layout)
    if split.test:
        files["test"] = folder / f"{name}_test.jsonl"
        _write_rows(files["test"], spool.read(split.test), layout)
    return files


def _write_rows(path: Path, conversations: Iterable[Conversation], layout: Layout) -> None:
    with path.open("wb") as handle:
        for conversation in conversations:
            handle.write(orjson.dumps(to_row(conversation, layout), option=orjson.OPT_APPEND_NEWLINE))


def _card(
    name: str,
    spec: DatasetSpec,
    opened: _Input,
    rows: list[int],
    key: str,
    layout: Layout,
    counts: Counts,
    spool: Spool,
    split: Split,
) -> Card:
    used = [*split.train, *split.test]
    encodings = Counter(raw.encoding for raw in opened.files)
    return Card(
        name=name,
        type=opened.source.name,
        task=opened.source.task,
        layout=layout,
        encoding=encodings.most_common(1)[0][0],
        prompt=opened.source.prompt,
        key=key,
        counts=counts,
        characters=cards.quantiles([spool.characters[number] for number in used]),
        answer_characters=cards.quantiles([spool.answer_characters[number] for number in used]),
        turns=cards.quantiles([spool.turns[number] for number in used]),
        sources=[
            {"file": shown(raw.path), "encoding": raw.encoding, "rows": had, "sha256": sha256(raw.path)}
            for raw, had in zip(opened.files, rows, strict=True)
        ],
        files={},
        hashes={},
        seconds=0.0,
    )


def _put_in_place(name: str, staging: Path, out: Path, layout: Layout) -> None:
    """Moves the finished files to `out` and registers them, while no other process does the same."""
    with locked(out / name):
        built = {file.name for file in staging.iterdir()}
        for file in sorted(built):
            (staging / file).replace(out / file)
        test_file = f"{name}_test.jsonl"
        if test_file not in built:
            (out / test_file).unlink(missing_ok=True)
        test_entry = entry(layout, test_file) if test_file in built else None
        register(out, {name: entry(layout, f"{name}_train.jsonl"), f"{name}_test": test_entry})
