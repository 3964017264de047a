"""The per-row steps: raw rows in, finished lines and the numbers that decide about them out.

`convert` is a pure function of a part of a file and the steps: it knows no other rows, so any number of processes (or
machines) may run it, and what it gives depends on nothing but its arguments.
"""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import index
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt
import orjson

from lf_wrap.conversation import Conversation, Reject
from lf_wrap.dataset import fingerprint
from lf_wrap.dataset.carry import Lines, carry
from lf_wrap.dataset.clean import clean
from lf_wrap.dataset.layout import to_row
from lf_wrap.dataset.spec import Greeting, SpecialTokens, Thoughts
from lf_wrap.dataset.special_tokens import found, neutralise
from lf_wrap.dataset.thoughts import drop_thoughts, set_thoughts
from lf_wrap.dataset.turns import alternate, refuse_unsound, split_long
from lf_wrap.sources import Part, Source, filled

Way = Callable[[Conversation], Conversation | Reject]
ARRAYS = (
    "sizes",
    "characters",
    "answer_characters",
    "turns",
    "whole",
    "question",
    "group",
    "like",
    "asks_like",
    "like_grams",
    "asks_grams",
)  # of `Converted`: one entry a conversation
ROWS_AT_ONCE = 500  # so many texts are fingerprinted together: their n-grams then stay in the processor's cache


@dataclass(frozen=True)
class Steps:
    """What is done to each row."""

    source: Source
    columns: dict[str, str] = field(default_factory=dict)
    """The file's name for a column: the source's."""
    repair: bool = True
    clean: bool = True
    thoughts: Thoughts = "set"
    special_tokens: SpecialTokens = "neutralise"
    turns: bool = True
    """Whether turns are made to alternate; where they do not when it is off, LLaMA-Factory would drop the row."""
    greeting: Greeting = "drop"
    longest: int | None = None
    """Tokens, by estimate, beyond which a conversation is split at turn boundaries."""
    redact: bool = False
    group_by: str | None = None
    char: str | None = None
    """The character's name, in rows that leave it open and do not tell it."""
    compare: bool = True
    """Whether rows are to be compared with each other: computes the hashes."""
    near: bool = True
    """Whether they are also compared by likeness: computes the signatures."""
    common: fingerprint.Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    """N-grams of the prompt around this file's rows, which do not count for likeness."""

    @property
    def change_nothing(self) -> bool:
        """Whether what a source makes of a row goes out as it is, and is not compared."""
        on = self.repair or self.clean or self.redact or self.longest or self.compare or self.columns or self.char
        return not on and self.special_tokens == self.thoughts == "keep"


@dataclass
class Refused:
    """A row that was rejected, where it stood, and why."""

    number: int
    reject: Reject
    raw: bytes


@dataclass
class Converted:
    """What became of one part. Arrays have one entry a conversation, in the order of the lines."""

    lines: bytes | memoryview
    """The conversations as JSON Lines, single turns as Alpaca rows and others as ShareGPT rows."""
    sizes: npt.NDArray[np.uint32]
    """Bytes of each line."""
    characters: npt.NDArray[np.uint32]
    answer_characters: npt.NDArray[np.uint32]
    turns: npt.NDArray[np.uint32]
    whole: fingerprint.Hashes
    """Hash of everything in the row; empty when rows are not compared, as all that follow."""
    question: fingerprint.Hashes
    """Hash of what is asked."""
    group: fingerprint.Hashes
    """Hash of the group's id, 0 for none."""
    like: fingerprint.Signatures
    """Signatures of question and answer together."""
    asks_like: fingerprint.Signatures
    """Signatures of what is asked."""
    like_grams: npt.NDArray[np.uint32]
    """From how many n-grams each signature was made."""
    asks_grams: npt.NDArray[np.uint32]
    read: int
    last_number: int
    refused: list[Refused]
    counts: dict[str, Counter[str]]
    """`repairs` and `redactions` by kind."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Pickled with its lines apart, which may so take another way between processes (`workers`)."""
        lines = pickle.PickleBuffer(self.lines) if index(protocol) >= 5 else self.lines
        return _unpickled, ({**vars(self), "lines": lines},)

    @classmethod
    def joined(cls, pieces: list[Converted]) -> Converted:
        """Pieces of one part in one, in their order."""
        arrays = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in ARRAYS}
        return cls(
            b"".join(piece.lines for piece in pieces),
            **arrays,
            read=sum(piece.read for piece in pieces),
            last_number=pieces[-1].last_number,
            refused=[refused for piece in pieces for refused in piece.refused],
            counts={
                kind: sum((piece.counts[kind] for piece in pieces), Counter()) for kind in ("repairs", "redactions")
            },
        )


def _unpickled(told: dict[str, Any]) -> Converted:
    return Converted(**told)


def convert(part: Part, steps: Steps) -> Converted:
    """Takes every row of `part` through the steps.

    Raises:
        NotWholeRowsError: the part is a byte range that does not begin and end with rows.
    """
    carried = carry(part, steps.source) if steps.change_nothing else None
    if carried is None:
        return _taken(part.rows(), steps)
    if carried.sizes.all():
        return _carried(carried, steps)
    rows, pieces = part.rows(), list[Converted]()
    for simple, run in groupby(range(len(rows)), key=carried.sizes.astype(bool).tolist().__getitem__):
        places = list(run)
        here = slice(places[0], places[-1] + 1)
        pieces.append(_carried(carried.only(here), steps) if simple else _taken(rows[here], steps))
    whole = Converted.joined(pieces)
    whole.last_number = rows[-1][0]
    return whole


def _carried(carried: Lines, steps: Steps) -> Converted:
    """Rows that went out as they came in."""
    rows = len(carried.sizes)
    return Converted(
        carried.text,
        sizes=carried.sizes,
        characters=carried.characters,
        answer_characters=carried.answer_characters,
        turns=np.full(rows, 2, np.uint32),
        **_compared([], steps),
        read=rows,
        last_number=rows,
        refused=[],
        counts={"repairs": Counter(), "redactions": Counter()},
    )


def _taken(rows: list[tuple[int, Any]], steps: Steps) -> Converted:
    """Rows that are read whole, one by one."""
    repairs: Counter[str] = Counter()
    redactions: Counter[str] = Counter()
    kept: list[Conversation] = []
    refused: list[Refused] = []
    lines: list[bytes] = []
    read = reader(steps, repairs, redactions)
    for number, raw in rows:
        for result in read(raw):
            if isinstance(result, Conversation):
                try:
                    lines.append(orjson.dumps(to_row(result), option=orjson.OPT_APPEND_NEWLINE))
                except TypeError:  # a lone surrogate, when cleaning is off
                    refused.append(Refused(number, Reject("broken character", "no UTF-8 text"), _as_json(raw)))
                else:
                    kept.append(result)
            else:
                refused.append(Refused(number, result, b"null" if isinstance(raw, Reject) else _as_json(raw)))
    return Converted(
        b"".join(lines),
        sizes=_numbers(map(len, lines)),
        **_measured(kept),
        **_compared(kept, steps),
        read=len(rows),
        last_number=rows[-1][0] if rows else 0,
        refused=refused,
        counts={"repairs": +repairs, "redactions": +redactions},
    )


def reader(
    steps: Steps, repairs: Counter[str], redactions: Counter[str]
) -> Callable[[Any], Sequence[Conversation | Reject]]:
    """The function that takes one raw row through all steps that are on, and gives what it holds."""
    ways = _ways(steps, repairs, redactions)
    source, longest = steps.source, steps.longest
    if steps.repair:
        from lf_wrap.sources.mojibake import repair_row

    def read(raw: Any) -> Sequence[Conversation | Reject]:
        row = raw
        if steps.columns and isinstance(row, dict):
            row = {steps.columns.get(key, key): value for key, value in row.items()}
        if steps.repair:
            row, repaired, lost = repair_row(row)
            if lost:
                return (Reject("mojibake", "characters were lost when the file was decoded wrongly"),)
            if repaired:
                repairs["mojibake repaired"] += 1
        held = source.read(row)
        results: Sequence[Conversation | Reject] = held if isinstance(held, list) else (held,)
        if steps.group_by and isinstance(row, dict):
            results = [_grouped(one, str(row.get(steps.group_by, ""))) for one in results]
        if ways:
            results = [_through(one, ways) for one in results]
        if longest:
            results = [piece for one in results for piece in _in_pieces(one, longest, repairs)]
        return results

    return read


def _grouped(result: Conversation | Reject, group: str) -> Conversation | Reject:
    if isinstance(result, Reject):
        return result
    return result._replace(group=group)


def _ways(steps: Steps, repairs: Counter[str], redactions: Counter[str]) -> list[Way]:
    """The steps that are on, in their order."""
    ways: list[Way] = []
    if steps.char:
        ways.append(partial(filled, char=steps.char))
    if steps.thoughts == "set":
        ways.append(partial(set_thoughts, counts=repairs))
    elif steps.thoughts == "drop":
        ways.append(partial(drop_thoughts, counts=repairs))
    if steps.clean:
        ways.append(partial(clean, counts=repairs))
    if steps.special_tokens == "neutralise":
        ways.append(partial(neutralise, counts=repairs))
    elif steps.special_tokens == "reject":
        ways.append(_without_special_tokens)
    if not steps.source.pretraining:
        mended = partial(alternate, counts=repairs, greeting=steps.greeting)
        ways.append(mended if steps.turns else refuse_unsound)
    if steps.redact:
        from lf_wrap.dataset.redact import redact

        ways.append(partial(redact, counts=redactions))
    return ways


def _through(result: Conversation | Reject, ways: list[Way]) -> Conversation | Reject:
    """A conversation through all steps; the first reject ends its way."""
    for way in ways:
        if isinstance(result, Reject):
            return result
        result = way(result)
    return result


def _in_pieces(result: Conversation | Reject, longest: int, repairs: Counter[str]) -> Sequence[Conversation | Reject]:
    return (result,) if isinstance(result, Reject) else split_long(result, longest, repairs)


def _without_special_tokens(conversation: Conversation) -> Conversation | Reject:
    tokens = found(conversation)
    return Reject("special tokens", " ".join(sorted(set(tokens)))) if tokens else conversation


def _measured(kept: list[Conversation]) -> dict[str, Any]:
    """The lengths of these conversations."""
    turns = np.array([len(one.turns) for one in kept], np.uint32)
    said = np.array([len(turn.text) for one in kept for turn in one.turns], np.uint32)
    systems = np.array([len(one.system) for one in kept], np.uint32)
    ends = np.cumsum(turns, dtype=np.int64)
    together = np.add.reduceat(said, ends - turns) if len(kept) else said
    return {"characters": systems + together, "answer_characters": said[ends - 1], "turns": turns}


def _compared(kept: list[Conversation], steps: Steps) -> dict[str, Any]:
    """The hashes and signatures of these conversations, as far as they are wanted."""
    none = np.zeros(0, np.uint64)
    compared = {"whole": none, "question": none, "group": none}
    like = asks_like = fingerprint.Signed(np.zeros((0, fingerprint.PLACES), np.uint16), np.zeros(0, np.uint32))
    if steps.compare:
        asked, whole = _texts(kept)
        groups = [fingerprint.hash_of(one.group.encode("utf-8", "surrogatepass")) if one.group else 0 for one in kept]
        compared = {
            "whole": _hashes(f"{one.system}\n{text}" for one, text in zip(kept, whole, strict=True)),
            "question": _hashes(asked),
            "group": np.array(groups, np.uint64),
        }
        if steps.near:
            like, asks_like = _signed(asked, [one.answer for one in kept], steps)
    likeness = {"like": like.minima, "asks_like": asks_like.minima}
    return {**compared, **likeness, "like_grams": like.grams, "asks_grams": asks_like.grams}


def _texts(kept: list[Conversation]) -> tuple[list[str], list[str]]:
    """What each conversation asks, and that with its answer: the texts that are compared."""
    asked = [one.asked or "\n".join((one.system, *(turn.text for turn in one.turns[:-1]))) for one in kept]
    return asked, [f"{question}\n{one.answer}" for question, one in zip(asked, kept, strict=True)]


def compared_texts(rows: list[Any], steps: Steps) -> list[str]:
    """The texts by which these rows would be compared: a sample of them tells which n-grams are common."""
    read = reader(steps, Counter(), Counter())
    kept = [one for raw in rows for one in read(raw) if isinstance(one, Conversation)]
    return _texts(kept)[1]


def _hashes(texts: Iterable[str]) -> fingerprint.Hashes:
    return np.array([fingerprint.hash_of(text.encode("utf-8", "surrogatepass")) for text in texts], np.uint64)


def _signed(asked: list[str], answers: list[str], steps: Steps) -> tuple[fingerprint.Signed, fingerprint.Signed]:
    some = [slice(start, start + ROWS_AT_ONCE) for start in range(0, max(1, len(asked)), ROWS_AT_ONCE)]
    signed = [fingerprint.signatures(asked[rows], answers[rows], steps.common) for rows in some]
    like, asks_like = (
        fingerprint.Signed(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))
        for pieces in zip(*signed, strict=True)
    )
    return like, asks_like


def _numbers(values: Iterable[int]) -> npt.NDArray[np.uint32]:
    return np.array(list(values), np.uint32)


def _as_json(raw: Any) -> bytes:
    try:
        return orjson.dumps(raw, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate: only as an escape can it be written
        return json.dumps(raw, default=str).encode("ascii")
