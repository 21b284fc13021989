"""Ranking metrics: how well lists of titles hit what members went on to enjoy. One value per member.

Lists are `ranked` (members, n) int32, best first, -1 = empty place. Targets are ragged: member `b` wants
`targets[offsets[b]:offsets[b + 1]]`, each title once, at least one per member. Everything below starts from
`hits`, which counts a title only the first time it stands in a list, so repeating a title never helps.
"""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s


def top_n(scores: Floats, n: int, priority: Int64s, allowed: Flags | None = None) -> Int32s:
    """The `n` best titles of each row, best first; -1 where fewer than `n` are `allowed` with a score above -inf.

    Exact: equal scores stand in the order of `priority` (titles,), a permutation of 0..titles-1, smallest first.
    A random permutation shared by all models makes ties fair: no model gains from the order of the catalogue.

    Shapes: `scores` (members, titles) float32 without NaN; `allowed` the same, left out = all; returns (members, n)
    int32. Takes one pass over the scores and no memory beside the lists.
    """
    members, titles = scores.shape
    assert priority.shape == (titles,), f"priority {priority.shape} of {titles} titles"
    ranked = np.full((members, n), -1, np.int32)
    everything = np.broadcast_to(np.True_, scores.shape) if allowed is None else allowed
    _top(scores.astype(np.float32, copy=False), everything, priority, ranked)
    return ranked


@numba.njit(cache=True, nogil=True)
def _top(scores: Floats, allowed: Flags, priority: Int64s, ranked: Int32s) -> None:
    """A heap of the best so far with the worst of them at its root; most titles fail at one comparison with it."""
    n = ranked.shape[1]
    for b in range(scores.shape[0]):
        row, heap, size, floor = scores[b], ranked[b], 0, np.float32(-np.inf)
        for i in range(scores.shape[1]):
            if not allowed[b, i] or row[i] < floor or row[i] == -np.inf:
                continue
            if size < n:
                at = size
                size += 1
                while at > 0 and _before(row, priority, heap[(at - 1) // 2], i):
                    heap[at] = heap[(at - 1) // 2]
                    at = (at - 1) // 2
                heap[at] = i
            elif _before(row, priority, i, heap[0]):
                _sink(row, priority, heap, size, i)
            if size == n:
                floor = row[heap[0]]
        while size > 1:  # the worst goes to the end, again and again
            size -= 1
            worst, last = heap[0], heap[size]
            _sink(row, priority, heap, size, last)
            heap[size] = worst


@numba.njit(cache=True, nogil=True)
def _before(row: Floats, priority: Int64s, i: int, j: int) -> bool:
    return bool(row[i] > row[j] or (row[i] == row[j] and priority[i] < priority[j]))


@numba.njit(cache=True, nogil=True)
def _sink(row: Floats, priority: Int64s, heap: Int32s, size: int, item: int) -> None:
    """Put `item` at the root of a heap of `size` and let it sink below all that are worse."""
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _before(row, priority, heap[child], heap[child + 1]):
            child += 1
        if not _before(row, priority, item, heap[child]):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = item


def hits(ranked: Int32s, offsets: Int64s, targets: Int32s) -> Flags:
    """Which places of each list hold one of the member's targets, each target counted once: (members, n) bool."""
    assert len(ranked) == len(offsets) - 1, f"{len(ranked)} lists, {len(offsets) - 1} members"
    stride = int(max(ranked.max(initial=0), targets.max(initial=0))) + 1
    rows = np.arange(len(ranked), dtype=np.int64) * stride
    wanted = np.repeat(rows, np.diff(offsets)) + targets
    placed = rows[:, None] + ranked
    found = np.isin(placed, wanted) & (ranked >= 0)
    at = np.flatnonzero(found)
    first = np.zeros(ranked.size, np.bool_)
    first[at[np.unique(placed.ravel()[at], return_index=True)[1]]] = True
    return first.reshape(ranked.shape)


def recall(hit: Flags, wanted: Int64s) -> Doubles:
    """Share of the targets that stand in the list: hits / |targets|, in 0..1.

    With more targets than places the best list stays below 1. `hit` (members, n), `wanted` (members,) = |targets|.
    """
    assert wanted.min(initial=1) > 0, "every member needs a target"
    return np.asarray(hit.sum(axis=1) / wanted)


def ndcg(hit: Flags, wanted: Int64s) -> Doubles:
    """Normalised discounted cumulative gain with binary relevance, in 0..1.

    sum_k hit_k / log2(k + 1), k = 1..n, over the same sum of a list that begins with min(n, |targets|) hits.
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002.
    """
    assert wanted.min(initial=1) > 0, "every member needs a target"
    n = hit.shape[1]
    discount = 1.0 / np.log2(np.arange(2, n + 2))
    ideal = np.cumsum(discount)[np.minimum(wanted, n) - 1]
    return np.asarray(hit @ discount / ideal)


def reciprocal_rank(hit: Flags) -> Doubles:
    """1 / place of the first hit, 0 without one; its mean over members is MRR."""
    return np.asarray(hit_rate(hit) / (hit.argmax(axis=1) + 1))


def hit_rate(hit: Flags) -> Doubles:
    """1 where the list holds at least one target, else 0."""
    return np.asarray(hit.any(axis=1), np.float64)


def capped_recall(hit: Flags, wanted: Int64s) -> Doubles:
    """Hits / min(n, |targets|), so that the best list reaches 1: the Recall@n of Liang et al. 2018, in 0..1."""
    assert wanted.min(initial=1) > 0, "every member needs a target"
    return np.asarray(hit.sum(axis=1) / np.minimum(wanted, hit.shape[1]))


def auc(hit: Flags, listed: Int64s) -> Doubles:
    """Share of the pairs (target, other title) of a whole list in which the target stands first, in 0..1.

    `hit` (members, n) holds whole lists, `listed` (members,) their lengths; NaN where all or none are targets.
    """
    assert listed.shape == (len(hit),), f"{listed.shape} lengths of {hit.shape}"
    targets = hit.sum(axis=1)
    places = np.arange(hit.shape[1]) < listed[:, None]
    above = np.cumsum(~hit & places, axis=1)
    pairs = targets * (listed - targets)
    wrong = np.where(hit, above, 0).sum(axis=1)
    return np.asarray(1.0 - np.divide(wrong, pairs, out=np.full(len(hit), np.nan), where=pairs > 0))
