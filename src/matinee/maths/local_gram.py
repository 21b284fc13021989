"""Small systems, one a title: the Gram matrix of a title's neighbours, and the ridge regression on them."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from scipy import sparse

from matinee.maths.arrays import Floats, Int32s, Int64s
from matinee.maths.sparse_dense import columns_for_lists, even_bounds, in_chunks

CHUNKS = 64  # pieces of work for the threads


def local_ridge(
    likes: sparse.csr_matrix,
    starts: Int64s,
    titles: Int32s,
    l2: float,
    inflation: float,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Floats:
    """Predict each title from its own few others: `titles[starts[i]:starts[i+1]]` serve title i; one weight each.

    w_i = (X_SᵀX_S + inflation * diag(X_SᵀX_S) + l2 I)⁻¹ X_Sᵀx_i for the columns S of X (members, titles) that serve i:
    the exact minimum of |x_i - X_S w|² + l2 |w|² (with inflation 0). Memory: one m x m block a thread for lists of m
    titles, and the likes of these.
    """
    arrays = columns_for_lists(likes, starts, titles)
    values = np.zeros(len(titles), np.float32)

    def work(first: int, last: int) -> None:
        _local_ridge(first, last, starts, titles, *arrays, likes.shape[0], l2, inflation, values)

    in_chunks(work, even_bounds(len(starts) - 1, CHUNKS), threads, progress)
    return values


@numba.njit(cache=True, nogil=True)
def _local_ridge(
    first: int,
    last: int,
    starts: Int64s,
    titles: Int32s,
    column_starts: Int64s,
    holders: Int32s,
    data: Floats,
    members: int,
    l2: float,
    inflation: float,
    values: Floats,
) -> None:
    begins, ends = np.zeros(members, np.int64), np.zeros(members, np.int64)
    for i in range(first, last):
        block = gram_around(i, starts, titles, column_starts, holders, data, begins, ends)
        m = len(block) - 1
        for s in range(m):
            block[s, s] += np.float32(inflation) * block[s, s] + np.float32(l2)
        solve_lower(block[:m, :m], block[m, :m])
        values[starts[i] : starts[i + 1]] = block[m, :m]


@numba.njit(cache=True, nogil=True)
def gram_around(
    i: int,
    starts: Int64s,
    titles: Int32s,
    column_starts: Int64s,
    holders: Int32s,
    data: Floats,
    begins: Int64s,
    ends: Int64s,
) -> Floats:
    """`gram_of` the m titles that serve title i, `titles[starts[i]:starts[i + 1]]`, and i as the last."""
    m = starts[i + 1] - starts[i]
    chosen = np.empty(m + 1, np.int32)
    chosen[:m], chosen[m] = titles[starts[i] : starts[i + 1]], i
    return gram_of(chosen, column_starts, holders, data, begins, ends)


@numba.njit(cache=True, nogil=True)
def gram_of(
    chosen: Int32s, column_starts: Int64s, holders: Int32s, data: Floats, begins: Int64s, ends: Int64s
) -> Floats:
    """The lower triangle of X_SᵀX_S for the columns `chosen` of X, given by columns: (m, m), zeros above.

    The likes of these columns are put in order of their members, so that each meets the same member's earlier ones.
    `begins` and `ends` (members) are room to work in: 0 before and after.
    """
    for title in chosen:
        for member in holders[column_starts[title] : column_starts[title + 1]]:
            ends[member] += 1
    total = _place(chosen, column_starts, holders, begins, ends)
    slots, weights = np.empty(total, np.int32), np.empty(total, np.float32)
    block = np.zeros((len(chosen), len(chosen)), np.float32)
    for slot in range(len(chosen)):
        row = block[slot]
        for at in range(column_starts[chosen[slot]], column_starts[chosen[slot] + 1]):
            member = holders[at]
            place = ends[member]
            slots[place], weights[place] = slot, data[at]
            for k in range(begins[member] - 1, place + 1):
                row[slots[k]] += data[at] * weights[k]
            ends[member] += 1
    for title in chosen:
        for member in holders[column_starts[title] : column_starts[title + 1]]:
            begins[member], ends[member] = 0, 0
    return block


@numba.njit(cache=True, nogil=True)
def _place(chosen: Int32s, column_starts: Int64s, holders: Int32s, begins: Int64s, ends: Int64s) -> int:
    """Turn the counts in `ends` into places: member u's begin at `begins[u]` - 1, and so does `ends[u]`; how many."""
    total = 0
    for title in chosen:
        for member in holders[column_starts[title] : column_starts[title + 1]]:
            if begins[member] == 0:
                begins[member] = total + 1
                total, ends[member] = total + ends[member], total
    return total


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def solve_lower(matrix: Floats, right: Floats) -> None:
    """Overwrite `right` (m,) with the solution x of A x = right, and the lower triangle of A (m, m) with its factor.

    A is symmetric positive definite, only its lower triangle is read: Cholesky A = LLᵀ row by row, then L y = right and
    Lᵀx = y.
    """
    m = len(right)
    for i in range(m):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / matrix[j, j] if j < i else np.sqrt(total)
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for i in range(m - 1, -1, -1):
        right[i] /= matrix[i, i]
        for k in range(i):
            right[k] -= matrix[i, k] * right[i]
