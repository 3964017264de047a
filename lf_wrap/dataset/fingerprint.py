"""Numbers by which rows are compared: 64-bit hashes for equality, MinHash signatures for likeness.

A signature is 64 minima over the character 5-grams of a text (Broder 1997): the share of equal places in two
signatures estimates the Jaccard likeness of the texts, give or take 0.06. The 5-grams are hashed here, all rows of a
batch at once, and the minima taken by rensa.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

Hashes = npt.NDArray[np.uint64]
Signatures = npt.NDArray[np.uint16]
Numbers = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]

PLACES = 64
GRAM = 5
SEED = 42
# Texts with fewer n-grams are compared by equality alone: in a term of ten characters one is the whole difference.
FEWEST = 50
# An n-gram that stands in so large a share of a file's rows is the prompt around them, and says nothing about a row.
COMMON_SHARE, COMMON_ROWS = 0.1, 20
SLOT_BITS = 16


class Signed(NamedTuple):
    """The signatures of some texts, one row of `PLACES` numbers each."""

    minima: Signatures
    grams: Numbers
    """From how many n-grams each was made."""

    @classmethod
    def of(cls, minima: Numbers, grams: Numbers) -> Signed:
        """Of each minimum 16 bits are kept: two different ones look equal once in 65,536 times, memory is halved."""
        return cls(minima.astype(np.uint16), grams)


def hash_of(data: bytes) -> int:
    """A 64-bit hash. Equal hashes are taken as equal content: among ten million, the chance of an error is 3 in 10⁶."""
    return xxhash.xxh3_64_intdigest(data)


def gram_hashes(texts: Sequence[str], gram: int) -> tuple[Hashes, Offsets]:
    """The hashes of the character n-grams of every text, end to end, and the offsets at which each text's begin.

    There are as many as characters: those at a text's end are filled up with zeros, never with the next text.
    """
    if not texts:
        return np.zeros(0, np.uint64), np.zeros(1, np.int64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    padding = "\0" * (gram - 1)
    joined = padding.join(texts) + padding * 2
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    hashes = points[: len(points) - gram + 1].copy()
    for place in range(1, gram):
        hashes *= np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ / golden ratio: spreads neighbouring code points (Knuth, 6.4)
        hashes += points[place : place + len(hashes)]
    hashes ^= hashes >> np.uint64(29)  # the finisher of splitmix64 (Steele et al. 2014), shortened
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(32)
    in_text = np.ones(len(hashes), bool)
    ends = np.cumsum(lengths + gram - 1)
    for back in range(1, gram):
        in_text[ends - back] = False
    return hashes[in_text], np.concatenate(([0], np.cumsum(lengths)))


def common_grams(texts: Sequence[str], gram: int) -> Hashes:
    """The hashes, sorted, of the n-grams that stand in a tenth of the texts, and in twenty at least."""
    hashes, offsets = gram_hashes(texts, gram)
    rows = np.repeat(np.arange(len(texts), dtype=np.int64), np.diff(offsets))
    order = np.lexsort((rows, hashes))
    hashes, rows = hashes[order], rows[order]
    new = np.ones(len(hashes), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    grams, times = np.unique(hashes[new], return_counts=True)
    return grams[times >= max(COMMON_ROWS, COMMON_SHARE * len(texts))]


def without(hashes: Hashes, offsets: Offsets, common: Hashes) -> tuple[Hashes, Offsets]:
    """The n-grams that are not common, and the offsets of what is left of each text."""
    if not len(common):
        return hashes, offsets
    slots = np.zeros(1 << SLOT_BITS, bool)
    slots[common >> np.uint64(64 - SLOT_BITS)] = True
    kept = ~slots[hashes >> np.uint64(64 - SLOT_BITS)]  # a table look-up clears most of them
    suspects = np.flatnonzero(~kept)
    place = np.minimum(np.searchsorted(common, hashes[suspects]), len(common) - 1)
    kept[suspects] = common[place] != hashes[suspects]
    return hashes[kept], np.concatenate(([0], np.cumsum(kept)))[offsets]


def has_started_threads() -> bool:
    """Whether rensa, which computes in threads of its own, has been used in this process."""
    return "rensa" in sys.modules


def signatures(asked: Sequence[str], answers: Sequence[str], common: Hashes) -> tuple[Signed, Signed]:
    """Each question's with its answer, and each question's alone; common n-grams aside.

    The n-grams of both together are those of one and of the other, and so are the minima: none is looked at twice.
    """
    (of_asked, asked_grams), (of_answers, answer_grams) = _minima(asked, common), _minima(answers, common)
    together = np.minimum(of_asked, of_answers)
    return Signed.of(together, asked_grams + answer_grams), Signed.of(of_asked, asked_grams)


def _minima(texts: Sequence[str], common: Hashes) -> tuple[Numbers, Numbers]:
    """`PLACES` minima a text, and from how many n-grams, the common ones aside, they were taken."""
    from rensa import RMinHash  # imported when needed: `has_started_threads` asks whether it was

    hashes, offsets = without(*gram_hashes(texts, GRAM), common)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets.astype(np.uint64), PLACES, SEED)
    minima = array("I")
    for row in matrix.to_rows():
        minima.fromlist(row)  # a third of the time that NumPy takes to read a list of lists
    return np.frombuffer(minima, np.uint32).reshape(len(texts), PLACES), np.diff(offsets).astype(np.uint32)
