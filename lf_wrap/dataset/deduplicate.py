"""Duplicates: equal rows by hash, alike rows by signature. Each function names its key and needs nothing but arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lf_wrap.dataset.fingerprint import FEWEST, PLACES, Hashes, Signatures

Numbers = npt.NDArray[np.int64]
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
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = len(signatures)
    long_enough = np.flatnonzero(grams >= FEWEST)
    one_side, other_side = [], []
    for band in np.split(signatures[long_enough], BANDS, axis=1):
        key = np.ascontiguousarray(band).view(np.uint64)
        mixed = key[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ key[:, 1]
        order = np.argsort(mixed, kind="stable")
        same = np.concatenate(([False], mixed[order][1:] == mixed[order][:-1])) if len(order) else np.zeros(0, bool)
        members = np.flatnonzero(same)
        firsts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))[members]
        for left in {"first": firsts, "neighbour": members - 1}.values():
            one_side.append(long_enough[order[left]])
            other_side.append(long_enough[order[members]])
    if not one_side:
        return np.arange(rows)
    # One number a pair, since sorting rows of a table takes ten times as long.
    both = np.unique(np.concatenate(one_side) * rows + np.concatenate(other_side))
    pairs = np.stack(np.divmod(both, rows), axis=1)
    pairs = pairs[_likeness(signatures, pairs) >= alike]
    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(rows, rows))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def best_of_each(cluster: Numbers, worth: npt.NDArray[np.uint32]) -> Mask:
    """True for the row of every cluster that is worth most; the earliest of equals."""
    order = np.lexsort((np.arange(len(cluster)), -worth.astype(np.int64), cluster))
    mask = np.zeros(len(cluster), bool)
    if len(order):
        mask[order[np.concatenate(([True], np.diff(cluster[order]) != 0))]] = True
    return mask


def joined(*labels: npt.NDArray[np.int64] | Hashes) -> Numbers:
    """Group numbers such that rows which have any of the labels in common are in one group; label 0 joins nothing."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = len(labels[0])
    one_side, other_side, nodes = [], [], rows
    for label in labels:
        said = np.flatnonzero(label != 0)
        names, which = np.unique(label[said], return_inverse=True)
        one_side.append(said)
        other_side.append(nodes + which)
        nodes += len(names)
    edges = np.concatenate(one_side), np.concatenate(other_side)
    graph = coo_matrix((np.ones(len(edges[0]), np.int8), edges), shape=(nodes, nodes))
    return np.asarray(connected_components(graph, directed=False)[1][:rows], np.int64)


def _likeness(signatures: Signatures, pairs: Numbers, at_once: int = 1 << 16) -> npt.NDArray[np.float64]:
    """The estimated Jaccard likeness of each pair of rows."""
    equal = [
        np.count_nonzero(signatures[some[:, 0]] == signatures[some[:, 1]], axis=1)
        for some in (pairs[start : start + at_once] for start in range(0, len(pairs), at_once))
    ]
    return np.concatenate(equal) / PLACES if equal else np.zeros(0)
