"""From raw files to registered datasets: convert, relate, split, write, register. Every row is counted."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import orjson

from lf_wrap.dataset import card as cards
from lf_wrap.dataset.card import Card, Counts
from lf_wrap.dataset.commit import Entries, building_in, finish_interrupted, put_in_place
from lf_wrap.dataset.convert import Converted, Refused, Steps, convert
from lf_wrap.dataset.deduplicate import Numbers
from lf_wrap.dataset.describe import examples, labels, languages, some_answers, token_lengths
from lf_wrap.dataset.fingerprint import common_grams
from lf_wrap.dataset.layout import entry, layout_for
from lf_wrap.dataset.leaks import GRAM as LEAK_GRAM
from lf_wrap.dataset.leaks import overlaps, question_of, table_of
from lf_wrap.dataset.making import ROWS_LOOKED_AT, Making, hashes_of, key_of, open_dataset, raw_files, warnings_of
from lf_wrap.dataset.pool import Pool
from lf_wrap.dataset.registered import registered
from lf_wrap.dataset.shards import files_in, names_of, write_shards
from lf_wrap.dataset.spec import DatasetSpec
from lf_wrap.dataset.split import Relations, Wish, relate, rows_by_group, split
from lf_wrap.dataset.workers import PART_BYTES, PART_ROWS, RANGES_TOGETHER, Submit, beside, crew
from lf_wrap.dataset.write import write_rows, write_rows_of_several_answers
from lf_wrap.errors import UserError
from lf_wrap.files import content_hash, existing_file, shown
from lf_wrap.sources import PLACEHOLDER, NotUtf8Error, NotWholeRowsError, RawFile

OnRows = Callable[[str, int], None]
POOL, UNPACKED = "pool", "unpacked"
PAIRS_SHOWN = 10
WORTH_A_PROCESS = 8 << 20  # bytes; a smaller input is done before another process has started


def build(
    specs: Mapping[str, DatasetSpec],
    out: Path,
    *,
    workers: int | None = None,
    on_rows: OnRows = lambda name, rows: None,
) -> list[Card]:
    """Builds the datasets into `out` and registers them there; `on_rows` hears how many rows of which have been read.

    The datasets of one call are related: duplicates are removed across them, and no test question of one is in the
    training rows of another. The files depend on the specs and the sources alone, not on `workers`.

    Raises:
        UserError: a source cannot be read, no row of it can be used, or a name belongs to someone else's entry.
    """
    began = time.monotonic()
    for name, spec in specs.items():
        raw_files(spec)
        _refuse_foreign_name(name, out)
    finish_interrupted(out)
    made_here = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with building_in(out) as staging:
            try:
                made = _make(specs, staging, workers, on_rows, prove=False)
            except NotUtf8Error:  # so a file is in another encoding: which, is known when it has been read to its end
                made = _make(specs, staging, workers, on_rows, prove=True)
            shutil.rmtree(staging / UNPACKED, ignore_errors=True)
            (staging / POOL).unlink(missing_ok=True)
            entries = _entries(made)
            for card in made:
                with files_in(staging / card.files["train"])[0].open("rb") as rows:
                    first = orjson.loads(rows.readline())
                card.files = {kind: shown(out / file) for kind, file in card.files.items()}
                card.seconds = round(time.monotonic() - began, 3)
                (staging / f"{card.name}.card.json").write_text(cards.to_json(card), encoding="utf-8")
                (staging / f"{card.name}.card.md").write_text(cards.to_markdown(card, first), encoding="utf-8")
            put_in_place(staging, entries, out)
    finally:
        if made_here and not any(out.iterdir()):
            out.rmdir()
    return made


def _make(
    specs: Mapping[str, DatasetSpec], staging: Path, workers: int | None, on_rows: OnRows, *, prove: bool
) -> list[Card]:
    """Makes the files of all datasets in `staging`, the cards' aside."""
    compare = any(spec.deduplicate or spec.leaks for spec in specs.values())
    near = compare and any(spec.near_duplicates for spec in specs.values())
    open_one = partial(open_dataset, unpacked=staging / UNPACKED, prove=prove, compare=compare, near=near)
    makings = [open_one(name, spec) for name, spec in specs.items()]
    pool = Pool(staging / POOL)
    size = sum(each.raw.path.stat().st_size for making in makings for each in making.files)
    with crew(workers, worth_it=size >= WORTH_A_PROCESS) as submit:
        hashing = beside(lambda: {name: hashes_of(spec) for name, spec in specs.items()})
        for making in makings:
            _convert(making, pool, staging, submit, on_rows)
        pool.seal()
        relations = _split(makings, pool, submit)
    hashes = hashing.result()
    key = key_of(specs, hashes)
    return [_write(making, pool, relations, staging, key, hashes[making.name]) for making in makings]


def is_fresh(specs: Mapping[str, DatasetSpec], out: Path) -> bool:
    """Whether the files in `out` are what building these datasets now would write."""
    finish_interrupted(out)
    entries, key = registered(out), key_of(specs, {name: hashes_of(spec) for name, spec in specs.items()})
    for name in specs:
        card = cards.load_card(out, name)
        if card is None or name not in entries or card.key != key:
            return False
        files = {kind: out / Path(file).name for kind, file in card.files.items()}
        if not all(file.exists() and content_hash(file) == card.hashes[kind] for kind, file in files.items()):
            return False
    return True


def _refuse_foreign_name(name: str, out: Path) -> None:
    entries = registered(out)
    for taken, stem in ((name, f"{name}_train"), (f"{name}_test", f"{name}_test")):
        fix = "choose another --name"
        ours = entries.get(taken, {}).get("file_name")
        if taken in entries and ours not in names_of(stem):
            raise UserError(f"{taken!r} is registered in {shown(out)} for something that lfw did not write", fix=fix)
        if (out / stem).is_dir() and ours != stem:
            raise UserError(f"{shown(out / stem)} is a folder that lfw did not make", fix=f"move it, or {fix}")


def _convert(making: Making, pool: Pool, staging: Path, submit: Submit[Converted], on_rows: OnRows) -> None:
    """Takes all rows of one dataset into the pool, and its rejects into their file."""
    with (staging / f"{making.name}.rejects.jsonl").open("wb") as rejects:
        begins = len(pool)
        for place, (raw, steps, _) in enumerate(making.files):
            if place == len(making.train):
                making.rows, begins = range(begins, len(pool)), len(pool)
            before = making.counts.read
            _convert_file(raw, steps, making, pool, rejects, submit, on_rows)
            had = making.counts.read - before
            making.sources.append({"file": raw.name, "encoding": raw.encoding, "rows": had})
    if making.test:
        making.tests = range(begins, len(pool))
    else:
        making.rows = range(begins, len(pool))


def _convert_file(
    raw: RawFile,
    steps: Steps,
    making: Making,
    pool: Pool,
    rejects: IO[bytes],
    submit: Submit[Converted],
    on_rows: OnRows,
) -> None:
    """Takes one file's parts. Where a byte range turns out not to begin with a row, the rest is read as a stream."""
    numbered = taken = 0

    def take(converted: Converted, rows_before: int) -> None:
        nonlocal numbered
        _count(converted, making.counts)
        pool.add(converted)
        rejects.writelines(_reject_line(raw, refused, rows_before) for refused in converted.refused)
        numbered = rows_before + converted.last_number
        on_rows(making.name, making.counts.read)

    ranges = raw.ranges(PART_BYTES)
    rest = raw.batches(PART_ROWS) if not ranges else iter(())
    try:
        for converted in submit(convert, ((part, steps) for part in ranges), RANGES_TOGETHER):
            take(converted, numbered)  # a byte range numbers its rows from its own beginning
            taken += 1
    except NotWholeRowsError:
        rest = raw.batches_from((ranges[taken].span or (0, 0))[0], numbered, PART_ROWS)
    for converted in submit(convert, ((part, steps) for part in rest)):
        take(converted, 0)


def _count(converted: Converted, counts: Counts) -> None:
    counts.read += converted.read
    counts.expanded += converted.read - len(converted.sizes) - len(converted.refused)
    counts.rejects.update(refused.reject.reason for refused in converted.refused)
    counts.repairs.update(converted.counts["repairs"])
    counts.redactions.update(converted.counts["redactions"])


def _reject_line(raw: RawFile, refused: Refused, rows_before: int) -> bytes:
    told = {"file": raw.name, "row": rows_before + refused.number}
    told |= {"reason": refused.reject.reason, "detail": refused.reject.detail, "raw": orjson.Fragment(refused.raw)}
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _split(makings: list[Making], pool: Pool, submit: Submit[list[tuple[int, int]]]) -> Relations:
    """Decides about every row, and sees that the numbers add up."""
    trainable, exact, near = (np.zeros(len(pool), bool) for _ in range(3))
    wishes = []
    for making in makings:
        spec = making.spec
        trainable[making.rows.start : making.rows.stop] = True
        shuffle = (making.tests is None) if spec.shuffle is None else spec.shuffle
        wishes.append(Wish(making.rows, making.tests, spec.train, spec.test, spec.seed, shuffle, spec.leaks))
        for rows in (making.rows, making.tests or range(0)):
            exact[rows.start : rows.stop] = spec.deduplicate
            near[rows.start : rows.stop] = spec.deduplicate and spec.near_duplicates
    relations = relate(pool, trainable, exact=exact, near=near)
    for making, one in zip(makings, split(pool, wishes, relations), strict=True):
        making.split = one
    _remove_overlaps(makings, pool, submit)
    for making in makings:
        counts, one = making.counts, making.split
        counts.train, counts.test, counts.leaks = len(one.train), len(one.test), len(one.leaked)
        counts.duplicates, counts.near_duplicates = one.duplicates, one.near_duplicates
        counts.not_sampled = one.not_sampled
        if counts.read != counts.accounted:
            raise AssertionError(f"rows of {making.name} were lost: {counts.law()}")
        _refuse_nothing_usable(making)
    return relations


def _remove_overlaps(makings: list[Making], pool: Pool, submit: Submit[list[tuple[int, int]]]) -> None:
    """Takes the training rows in which most of a test question stands out of training."""
    tests = np.concatenate([making.split.test for making in makings])
    guarded = [making for making in makings if making.spec.leaks]
    if not len(tests) or not guarded:
        return
    prompts = {piece for making in makings for kind in making.kinds for piece in PLACEHOLDER.split(kind.prompt)[::2]}
    asked = [question_of(orjson.loads(pool.line(number))) for number in tests.tolist()]
    sample = np.unique(np.linspace(0, len(pool) - 1, ROWS_LOOKED_AT).astype(np.int64))
    common = common_grams([question_of(orjson.loads(pool.line(number))) for number in sample.tolist()], LEAK_GRAM)
    table = table_of(asked, sorted(prompts), common)
    if not len(table.grams):
        return
    trained = np.sort(np.concatenate([making.split.train for making in guarded]))
    batches = [trained[start : start + PART_ROWS] for start in range(0, len(trained), PART_ROWS)]
    leaked = []
    jobs = ((pool.path, pool.offsets[batch], pool.offsets[batch + 1], table) for batch in batches)
    for batch, pairs in zip(batches, submit(overlaps, jobs), strict=True):
        leaked += [int(batch[row]) for row, _ in pairs]
    for making in guarded:
        making.split.drop_leaks(np.array(leaked, np.int64))


def _refuse_nothing_usable(making: Making) -> None:
    if len(making.split.train):
        return
    file, counts = making.files[0].raw.name, making.counts
    if not counts.read:
        raise UserError(f"{file} has no rows", fix="check that it is the right file")
    raise UserError(
        f"no row of {file} is left to train on: {counts.law()}",
        where="; ".join(f"read as {kind.name}: {kind.shape}" for kind in making.kinds),
        fix="give the right --type, map the names with `columns:` in a spec, or ask for fewer test rows",
    )


def _write(making: Making, pool: Pool, relations: Relations, staging: Path, key: str, hashes: dict[str, str]) -> Card:
    """Writes one dataset's files and cards into `staging`."""
    name, one = making.name, making.split
    used = np.concatenate((one.train, one.test)) if len(one.test) else one.train
    measured = slice(None) if len(used) == len(pool) else used  # all of them: no copy
    layout = layout_for(np.flatnonzero(np.bincount(pool.turns[measured])).tolist(), name)
    rejects, largest = staging / f"{name}.rejects.jsonl", int(making.spec.shard_mb * 1_000_000)
    several = any(source.several_answers for source in making.kinds)

    def write(kind: str, numbers: Numbers) -> Path:
        how = partial(write_rows_of_several_answers, test=kind == "test") if several else write_rows
        return write_shards(staging, f"{name}_{kind}", pool, numbers, layout, largest, how)

    files = {"train": write("train", one.train), "rejects": rejects}
    if len(one.test):
        files["test"] = write("test", one.test)
    written = beside(lambda: {kind: content_hash(file) for kind, file in files.items()})
    answers, tokenizer = some_answers(pool, used), _tokenizer(making.spec)
    tasks = {kind.task for kind in making.kinds}
    return Card(
        name=name,
        type=", ".join(kind.name for kind in making.kinds),
        task=tasks.pop() if len(tasks) == 1 else "open",
        layout=layout,
        encoding=Counter(each.raw.encoding for each in making.files).most_common(1)[0][0],
        prompt="\n\n".join(kind.prompt for kind in making.kinds if kind.prompt),
        key=key,
        counts=making.counts,
        characters=cards.quantiles(pool.characters[measured]),
        answer_characters=cards.quantiles(pool.answer_characters[measured]),
        turns=cards.quantiles(pool.turns[measured]),
        tokens=token_lengths(pool, used, tokenizer) if tokenizer else None,
        languages=languages(answers),
        labels=labels(answers),
        reject_examples=examples(rejects),
        near_pairs=_near_pairs(making, pool, relations),
        leak_pairs=_leak_pairs(making, pool, relations),
        sources=[{**made, "sha256": hashes[str(made["file"]).partition(": ")[0]]} for made in making.sources],
        files={kind: file.name for kind, file in files.items()},
        hashes=written.result(),
        seconds=0.0,
        test_groups=[] if relations.group is None else rows_by_group(relations.group[one.test]),
        unread=making.unread,
        warnings=warnings_of(making),
    )


def _tokenizer(spec: DatasetSpec) -> Path | None:
    """The tokenizer.json that the spec names, itself or by its model's folder."""
    if spec.tokenizer is None:
        return None
    path = Path(spec.tokenizer)
    return existing_file(path / "tokenizer.json" if path.is_dir() else path, "name a model folder or a tokenizer.json")


def _near_pairs(making: Making, pool: Pool, relations: Relations) -> list[dict[str, str]]:
    if relations.cluster is None:
        return []
    rows = slice(making.rows.start, making.rows.stop)
    gone = np.flatnonzero(relations.unique[rows] & ~relations.best[rows])[:PAIRS_SHOWN] + making.rows.start
    stays = [np.flatnonzero((relations.cluster == relations.cluster[row]) & relations.best)[0] for row in gone]
    return [_pair(pool, int(row), int(stayed)) for row, stayed in zip(gone, stays, strict=True)]


def _leak_pairs(making: Making, pool: Pool, relations: Relations) -> list[dict[str, str]]:
    if relations.group is None:
        return []
    pairs, tests = [], making.split.test
    for row in making.split.leaked[:PAIRS_SHOWN]:
        same = tests[relations.group[tests] == relations.group[row]]
        if len(same):
            pairs.append(_pair(pool, int(row), int(same[0])))
    return pairs


def _pair(pool: Pool, removed: int, stays: int) -> dict[str, str]:
    texts = (question_of(orjson.loads(pool.line(number))) for number in (removed, stays))
    return dict(zip(("removed", "stays"), texts, strict=True))


def _entries(made: list[Card]) -> Entries:
    entries: Entries = {}
    for card in made:
        entries[card.name] = entry(card.layout, card.files["train"])
        entries[f"{card.name}_test"] = entry(card.layout, card.files["test"]) if "test" in card.files else None
    return entries
