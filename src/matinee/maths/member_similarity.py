"""Similarity of a history to the members of the training data, and what the nearest of them liked."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Floats, Int32s, Int64s


@numba.njit(cache=True, nogil=True)
def similarities(
    items: Int32s, weights: Floats, title_weights: Floats, column_starts: Int64s, holders: Int32s, data: Floats,
    lengths: Floats, shrinkage: float, out: Floats,
) -> None:  # fmt: skip
    """Set out_u = sum over the history of a_i b_ui / (|a| |b_u| + shrinkage) for every member u, (members,).

    a_i = `weights` * `title_weights` over the `items` of the history; b_ui = likes of u * `title_weights`, the likes
    given by columns; `lengths` (members,) holds |b_u|.
    """
    out[:] = 0.0
    square = np.float32(0.0)
    for at in range(len(items)):
        weight = weights[at] * title_weights[items[at]]
        square += weight * weight
        for k in range(column_starts[items[at]], column_starts[items[at] + 1]):
            out[holders[k]] += weight * data[k] * title_weights[items[at]]
    length = np.sqrt(square)
    for u in range(len(out)):
        if out[u] > 0.0:
            out[u] /= length * lengths[u] + np.float32(shrinkage)


def nearest_members(similar: Floats, k: int) -> Int64s:
    """The at most `k` members with the largest positive similarity (members,), in the order of their numbers."""
    if k < len(similar):
        least = np.partition(similar, len(similar) - k)[len(similar) - k]
        above = np.flatnonzero((similar > least) & (similar > 0.0))
        equal = np.flatnonzero((similar == least) & (similar > 0.0))
        return np.sort(np.append(above, equal[: k - len(above)]))
    return np.flatnonzero(similar > 0.0)


@numba.njit(cache=True, nogil=True)
def add_likes(chosen: Int64s, similar: Floats, starts: Int64s, titles: Int32s, data: Floats, out: Floats) -> None:
    """out_i += sum over the `chosen` members u of similar_u * likes_ui, the likes given by rows; `out` (titles,)."""
    for u in chosen:
        for at in range(starts[u], starts[u + 1]):
            out[titles[at]] += similar[u] * data[at]
