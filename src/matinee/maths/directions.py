"""Spherical k-means: directions into groups, as many as bring each direction notably nearer to the middle of its own.

Dhillon and Modha 2001. The start is the direction furthest from the common middle, then those furthest from all middles
so far: the same directions give the same groups.
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Int64s

STEPS = 20
SMALL = 1e-9


def directions(vectors: Doubles, most: int, gain: float) -> Int64s:
    """(n,) the group of each of `vectors` (n, size) of length 1 or 0, numbered from 0: at most `most` groups.

    Another group counts where it raises the mean cosine to the own middle by at least `gain`.
    """
    assert vectors.ndim == 2, f"vectors have shape {vectors.shape}"
    groups, near = np.zeros(len(vectors), np.int64), _nearness(vectors, np.zeros(len(vectors), np.int64), 1)
    for k in range(2, min(most, len(vectors)) + 1):
        found = _clusters(vectors, k)
        nearer = _nearness(vectors, found, k)
        if nearer < near + gain or len(np.unique(found)) < k:
            break
        groups, near = found, nearer
    return groups


def _clusters(vectors: Doubles, k: int) -> Int64s:
    middles = _furthest(vectors, k)
    groups = np.full(len(vectors), -1)
    for _ in range(STEPS):
        found = (vectors @ middles.T).argmax(axis=1)
        if np.array_equal(found, groups):
            break
        groups = found
        middles = _middles(vectors, groups, k)
    return np.asarray(groups, np.int64)


def _furthest(vectors: Doubles, k: int) -> Doubles:
    """(k, size) the vector furthest from the middle of all, then those furthest from the ones before."""
    chosen = [int((vectors @ vectors.mean(axis=0)).argmin())]
    while len(chosen) < k:
        chosen.append(int((vectors @ vectors[chosen].T).max(axis=1).argmin()))
    return vectors[chosen]


def _middles(vectors: Doubles, groups: Int64s, k: int) -> Doubles:
    sums = np.zeros((k, vectors.shape[1]))
    np.add.at(sums, groups, vectors)
    return np.asarray(sums / (np.linalg.norm(sums, axis=1, keepdims=True) + SMALL))


def _nearness(vectors: Doubles, groups: Int64s, k: int) -> float:
    """The mean cosine of vectors to the middle of their group."""
    if not len(vectors):
        return 0.0
    return float((vectors * _middles(vectors, groups, k)[groups]).sum(axis=1).mean())
