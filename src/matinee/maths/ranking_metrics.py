"""Ranking metrics: how well lists of titles hit what members went on to enjoy. One value per member.

Lists are `ranked` (members, n) int32, best first, -1 = empty place. Targets are ragged: member `b` wants
`targets[offsets[b]:offsets[b + 1]]`, each title once, at least one per member. Everything below starts from
`hits`, which counts a title only the first time it stands in a list, so repeating a title never helps.
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s


def top_n(scores: Floats, n: int, priority: Int64s) -> Int32s:
    """The `n` best titles of each row, best first; -1 where fewer than `n` have a score above -inf.

    Exact: equal scores stand in the order of `priority` (titles,), a permutation of 0..titles-1, smallest first.
    A random permutation shared by all models makes ties fair: no model gains from the order of the catalogue.

    Shapes: `scores` (members, titles) float32 without NaN; returns (members, n) int32.
    Memory: 8 bytes per score beside the scores themselves.
    """
    members, titles = scores.shape
    assert priority.shape == (titles,)
    keys = _sortable(scores) << 32
    keys += titles - priority
    kept = min(n, titles)
    best = np.argpartition(keys, titles - kept, axis=1)[:, titles - kept :]
    best_keys = np.take_along_axis(keys, best, axis=1)
    best = np.take_along_axis(best, np.argsort(-best_keys, axis=1), axis=1)
    ranked = np.full((members, n), -1, np.int32)
    ranked[:, :kept] = np.where(np.isneginf(np.take_along_axis(scores, best, axis=1)), -1, best)
    return ranked


def hits(ranked: Int32s, offsets: Int64s, targets: Int32s) -> Flags:
    """Which places of each list hold one of the member's targets, each target counted once: (members, n) bool."""
    assert len(ranked) == len(offsets) - 1
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


def _sortable(scores: Floats) -> Int64s:
    """Integers below 2^31 in magnitude that order as the float32 `scores` do (IEEE 754: flip the negative ones)."""
    bits = (scores.astype(np.float32) + np.float32(0)).view(np.int32)
    return np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
