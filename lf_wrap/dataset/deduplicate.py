"""Duplicates: equal rows by hash, alike rows by signature. Each function names its key and needs nothing but arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lf_wrap.dataset.fingerprint import FEWEST, PLACES, Hashes, Signatures

Numbers = npt.NDArray[np.signedinteger[Any]]
Mask = npt.NDArray[np.bool_]

# 16 bands of 4 places: two texts of likeness 0.8 share a band with a chance of 1 - (1 - 0.8⁴)¹⁶ = 0.9998
# (Leskovec et al., Mining of Massive Datasets, 3.4).
BANDS = 16
ALIKE = 0.8


def first_of_each(keys: Hashes) -> Mask:
    """True for every row whose key did not occur in an earlier row. Key: `whole`."""
    _, first = np.unique(keys, return_index=True)
    mask = np.zeros(len(keys), bool)
    mask[first] = True
    return mask


def clusters(signatures: Signatures, grams: npt.NDArray[np.uint32], alike: float = ALIKE) -> Numbers:
    """A cluster number for each row: rows whose texts are alike, directly or through others, have the same.

    Texts with under `FEWEST` n-grams of their own are alike to none. Key: a band of the signature; the rows of a band
    are held against its first and against their neighbour by the whole signature.
    """
    cluster = np.arange(len(signatures))
    long_enough = np.flatnonzero(grams >= FEWEST)
    for band in range(0, PLACES, PLACES // BANDS):
        # Four 16-bit places are one 64-bit key.
        key = np.ascontiguousarray(signatures[long_enough, band : band + PLACES // BANDS]).view(np.uint64)[:, 0]
        order, same = _side_by_side(key)
        members = np.flatnonzero(same)
        firsts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))[members]
        for others in (firsts, members - 1):
            pairs = np.stack((long_enough[order[others]], long_enough[order[members]]), axis=1)
            pairs = pairs[cluster[pairs[:, 0]] != cluster[pairs[:, 1]]]  # what is together needs no second look
            pairs = pairs[_likeness(signatures, pairs) >= alike]
            if len(pairs):
                cluster = _merged(cluster, pairs)
    return cluster


def _side_by_side(keys: Hashes) -> tuple[Numbers, Mask]:
    """The rows in an order in which equal keys stand side by side, earlier rows first, and whether each row's key is
    that of the row before it.

    A key's hash and its row's number are one number here, which sorts ten times as fast as keys with their rows do. So
    the hash is short, and once in a thousand sorts two keys of half a million look equal: one more pair is looked at.
    """
    row_bits = np.uint64(len(keys).bit_length())
    rows = np.arange(len(keys), dtype=np.uint64)
    numbers = keys * np.uint64(0x9E3779B97F4A7C15) >> row_bits << row_bits | rows  # 2⁶⁴ / golden ratio (Knuth, 6.4)
    numbers.sort()
    same = np.zeros(len(keys), bool)
    same[1:] = numbers[1:] >> row_bits == numbers[:-1] >> row_bits
    return (numbers & ((np.uint64(1) << row_bits) - np.uint64(1))).astype(np.int64), same


def _merged(cluster: Numbers, pairs: Numbers) -> Numbers:
    """The clusters once those of each pair of rows are one, called by the least of their numbers."""
    names, which = np.unique(cluster[pairs], return_inverse=True)
    together = _connected(len(names), *which.reshape(-1, 2).T)
    called = np.arange(len(cluster))
    called[names] = names[np.unique(together, return_index=True)[1]][together]
    return called[cluster]


def best_of_each(cluster: Numbers, worth: npt.NDArray[np.uint32]) -> Mask:
    """True for the row of every cluster that is worth most; the earliest of equals."""
    order = np.lexsort((np.arange(len(cluster)), -worth.astype(np.int64), cluster))
    mask = np.zeros(len(cluster), bool)
    if len(order):
        mask[order[np.concatenate(([True], np.diff(cluster[order]) != 0))]] = True
    return mask


def joined(*labels: Numbers | Hashes) -> Numbers:
    """Group numbers such that rows which have any of the labels in common are in one group; label 0 joins nothing."""
    rows = len(labels[0])
    one_side, other_side, nodes = [], [], rows
    for label in labels:
        said = np.flatnonzero(label != 0)
        names, which = np.unique(label[said], return_inverse=True)
        one_side.append(said)
        other_side.append(nodes + which)
        nodes += len(names)
    return _connected(nodes, np.concatenate(one_side), np.concatenate(other_side))[:rows]


def _connected(nodes: int, *sides: Numbers) -> Numbers:
    """Component numbers of a graph whose edges join the first side to the second, the third to the fourth, …"""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate(sides[::2]), np.concatenate(sides[1::2])
    graph = coo_matrix((np.ones(len(edges[0]), np.int8), edges), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _likeness(signatures: Signatures, pairs: Numbers, at_once: int = 1 << 16) -> npt.NDArray[np.float64]:
    """The estimated Jaccard likeness of each pair of rows."""
    equal = [
        np.count_nonzero(signatures[some[:, 0]] == signatures[some[:, 1]], axis=1)
        for some in (pairs[start : start + at_once] for start in range(0, len(pairs), at_once))
    ]
    return np.concatenate(equal) / PLACES if equal else np.zeros(0)
