"""How fast popularity ages: the half-life under which likes predicted the likes that came after them best."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.ragged import owners_of

HALF_LIVES = (None, *(2.0**k for k in range(11, -1, -1)))  # days: never, and 2,048 to 1; among equals the longest
ASKED = 0.2  # the latest likes are predicted, this share of all
BLOCKS = 20  # in which they are predicted, each from everything before it
FEW = 200  # likes to predict, below which the answer would be chance
LEAST = 7.0  # days that they last, below which the hours and weekdays of taste would be taken for its fashions
SILENCE = 1 / 8  # of a half-life: what a time without any like counts at most, so a pause costs likes at most 8 %
UNKNOWN = 90.0  # days, where one cannot tell
SMOOTHING = 0.1  # likes given to every title, so that an unseen one is rare, not impossible


def learned_half_life(
    members: Int64s, items: Int32s, days: Doubles, n_titles: int, trust: Doubles | None = None
) -> float | None:
    """The half-life in days, one of `HALF_LIVES`, that predicts best; None = likes never age.

    Likes (n,) in the order of their times (`days` since any moment): the latest fifth of them is predicted, in `BLOCKS`
    blocks, each from the decayed counts of all likes before it, see `foretold`. (Dawid 1984, "Statistical theory: the
    prequential approach".) `trust` (n,) is what each like counts (None = 1), to predict and to be predicted.
    Time O(half-lives * (n + blocks * titles)), memory O(n + titles).
    """
    assert members.shape == items.shape == days.shape, f"{members.shape}, {items.shape}, {days.shape}"
    trust = np.ones(len(items)) if trust is None else trust
    trust = trust * (trust.sum() / max(float(trust @ trust), 1e-300))  # so that they add up to Kish's effective number
    mass = trust.cumsum()
    if ASKED * trust.sum() < FEW:
        return UNKNOWN
    edges = np.searchsorted(mass, np.linspace(1 - ASKED, 1, BLOCKS + 1) * mass[-1], "right").astype(np.int64)
    if days[-1] - days[edges[0]] < LEAST:
        return UNKNOWN
    asked = _of_members(members, edges) * trust[edges[0] :]
    told = [
        foretold(items, lived(days, half_life), asked, edges, n_titles, half_life, trust) for half_life in HALF_LIVES
    ]
    return HALF_LIVES[int(np.argmax(told))]


def lived(days: Doubles, half_life: float | None) -> Doubles:
    """The clock by which likes age: `days` (n,), ascending, every time between two likes cut to `SILENCE` half-lives.

    What is popular ages because other things become so; where nobody likes anything, nothing does.
    """
    if half_life is None or not len(days):
        return days
    return np.asarray(days[0] + np.append(0.0, np.minimum(np.diff(days), SILENCE * half_life).cumsum()))


def kept(days: Doubles, half_life: float | None) -> Doubles:
    """What is left of each like (n,) at the moment of the newest, by the clock of `lived`; `days` ascending."""
    clock = lived(days, half_life)
    return _kept(clock[-1:] - clock, half_life) if len(days) else days


def foretold(
    items: Int32s,
    days: Doubles,
    weights: Doubles,
    edges: Int64s,
    n_titles: int,
    half_life: float | None,
    trust: Doubles,
) -> float:
    """Sum over blocks k and likes in them of weight * log share, as the likes before the block tell it:

        share_i = (n_i + SMOOTHING) / sum of the same,    n_i = sum of trust * 0.5^((t_k - t) / half-life), likes of i

    Block k holds the likes `edges[k]:edges[k + 1]` and t_k is the time of its first; `weights` are of the likes from
    `edges[0]` on.
    """
    assert items.shape == days.shape == trust.shape, f"{items.shape}, {days.shape}, {trust.shape}"
    assert len(weights) >= edges[-1] - edges[0], f"{len(weights)} weights of likes {edges[0]} to {edges[-1]}"
    first = int(edges[0])
    counts = np.zeros(n_titles)
    total, since, before = 0.0, days[0], 0
    for start, end in pairwise(edges):
        if start == end:
            continue
        now = days[start]
        counts *= _kept(now - since, half_life)
        left = trust[before:start] * _kept(now - days[before:start], half_life)
        counts += np.bincount(items[before:start], left, n_titles)
        logs = np.log(counts + SMOOTHING) - np.log(counts.sum() + n_titles * SMOOTHING)
        total += float(weights[start - first : end - first] @ logs[items[start:end]])
        since, before = now, start
    return total


def _kept(ages: Doubles | np.float64, half_life: float | None) -> Doubles:
    """What is left of a like after these days."""
    return np.asarray(np.exp2(-ages / half_life) if half_life else np.ones(np.shape(ages)))


def _of_members(members: Int64s, edges: Int64s) -> Doubles:
    """Weights of the likes from `edges[0]` on: the likes of one member in one block share a weight of 1."""
    block = owners_of(edges)
    key = members[edges[0] :] * len(edges) + block
    _, place, counts = np.unique(key, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[place])
