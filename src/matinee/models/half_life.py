"""How fast popularity ages: the half-life under which likes foretold the likes that came after them best."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from matinee.events import DAY
from matinee.maths.arrays import Doubles, Int32s, Int64s

HALF_LIVES = (None, *(2.0**k for k in range(11, -1, -1)))  # days: never, and 2,048 to 1; among equals the longest
ASKED = 0.2  # the latest likes are foretold, this share of all
BLOCKS = 20  # in which they are foretold, each from everything before it
FEW = 200  # likes to foretell, below which the answer would be chance
LEAST = 7 * DAY  # that they last, below which the hours and weekdays of taste would be taken for its fashions
UNKNOWN = 90.0  # days, where one cannot tell


def learned_half_life(members: Int64s, items: Int32s, times: Int64s, n_titles: int, smoothing: float) -> float | None:
    """The half-life in days, one of `HALF_LIVES`, that foretells best; None = likes never age.

    Likes (n,) in the order of their `times` (microseconds): the latest fifth of them is foretold, in `BLOCKS` blocks,
    each from the decayed counts of all likes before it, see `foretold`. (Dawid 1984, "Statistical theory: the
    prequential approach".) Time O(half-lives * (n + blocks * titles)), memory O(n + titles).
    """
    edges = np.linspace((1 - ASKED) * len(items), len(items), BLOCKS + 1).astype(np.int64)
    if len(items) - edges[0] < FEW or times[-1] - times[edges[0]] < LEAST:
        return UNKNOWN
    weights = _of_members(members, edges)
    told = [foretold(items, times, weights, edges, n_titles, smoothing, days) for days in HALF_LIVES]
    return HALF_LIVES[int(np.argmax(told))]


def foretold(
    items: Int32s,
    times: Int64s,
    weights: Doubles,
    edges: Int64s,
    n_titles: int,
    smoothing: float,
    half_life_days: float | None,
) -> float:
    """Sum over blocks k and likes in them of weight * log share, as the likes before the block tell it:

        share_i = (n_i + smoothing) / sum of the same,    n_i = sum of 0.5^((t_k - t) / half-life) over likes of i

    Block k holds the likes `edges[k]:edges[k + 1]` and t_k is the time of its first; `weights` are of the likes from
    `edges[0]` on.
    """
    first = int(edges[0])
    counts = np.zeros(n_titles)
    total, since, before = 0.0, times[0], 0
    for start, end in pairwise(edges):
        if start == end:
            continue
        now = times[start]
        counts *= _kept(now - since, half_life_days)
        counts += np.bincount(items[before:start], _kept(now - times[before:start], half_life_days), n_titles)
        logs = np.log(counts + smoothing) - np.log(counts.sum() + n_titles * smoothing)
        total += float(weights[start - first : end - first] @ logs[items[start:end]])
        since, before = now, start
    return total


def _kept(ages: NDArray[np.int64] | np.int64, half_life_days: float | None) -> Doubles:
    """What is left of a like after these microseconds."""
    return np.asarray(np.exp2(-ages / DAY / half_life_days) if half_life_days else np.ones(np.shape(ages)))


def _of_members(members: Int64s, edges: Int64s) -> Doubles:
    """Weights of the likes from `edges[0]` on: the likes of one member in one block share a weight of 1."""
    block = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    key = members[edges[0] :] * len(edges) + block
    _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[place])
