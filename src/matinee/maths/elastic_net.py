"""The non-negative elastic net on Gram matrices by coordinate descent: each title predicted from few others."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from scipy import sparse

from matinee.maths.arrays import Flags, Floats, Int32s, Int64s
from matinee.maths.gram import gram, mirror
from matinee.maths.local_gram import gram_around
from matinee.maths.sparse_dense import columns_for_lists, even_bounds, in_chunks

CHUNKS = 64  # pieces of work for the threads
GROWTH = 128  # titles that may enter the regression at a time
SWEEPS = 200  # most passes over the titles of a regression between two looks at the others
TOLERANCE = 1e-4  # a pass that moves no weight by more is the last


def nonnegative(
    likes: sparse.csr_matrix,
    l1: float,
    l2: float,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> sparse.csr_matrix:
    """Row i: the weights w >= 0, w_i = 0, that minimise |x_i - Xw|²/2 + l1 |w| + l2 |w|²/2 over all titles.

    `likes` X (members, titles). Titles enter in the order of what they would gain, the few that are in are iterated on
    their own small Gram matrix, and it ends when no other title would gain. Memory: XᵀX, n² floats.
    """
    full = mirror(gram(likes, threads))
    n = len(full)
    pieces = {n: sparse.csr_matrix((0, n), dtype=np.float32)}

    def work(first: int, last: int) -> None:
        weights = np.zeros((last - first, n), np.float32)
        _grow(first, full, np.float32(l1), np.float32(l2), weights)
        pieces[first] = sparse.csr_matrix(weights)

    in_chunks(work, even_bounds(n, CHUNKS), threads, progress)
    return sparse.vstack([pieces[first] for first in sorted(pieces)], format="csr")


def nonnegative_among(
    likes: sparse.csr_matrix,
    starts: Int64s,
    titles: Int32s,
    l1: float,
    l2: float,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> sparse.csr_matrix:
    """As `nonnegative`, where title i may use only `titles[starts[i]:starts[i + 1]]`, its candidates.

    Memory: the candidates' weights, and a Gram matrix of one title's candidates a thread.
    """
    members, n = likes.shape
    arrays = columns_for_lists(likes, starts, titles)
    values = np.zeros(len(titles), np.float32)

    def work(first: int, last: int) -> None:
        _among(first, last, starts, titles, *arrays, members, np.float32(l1), np.float32(l2), values)

    in_chunks(work, even_bounds(n, CHUNKS), threads, progress)
    return sparse.csr_matrix((values, titles, starts), shape=(n, n))


@numba.njit(cache=True, nogil=True)
def _among(
    first: int,
    last: int,
    starts: Int64s,
    titles: Int32s,
    column_starts: Int64s,
    holders: Int32s,
    data: Floats,
    members: int,
    l1: np.float32,
    l2: np.float32,
    values: Floats,
) -> None:
    begins, ends = np.zeros(members, np.int64), np.zeros(members, np.int64)
    for i in range(first, last):
        block = gram_around(i, starts, titles, column_starts, holders, data, begins, ends)
        m = len(block) - 1
        for a in range(m):
            for b in range(a):
                block[b, a] = block[a, b]
        _descend(np.ascontiguousarray(block[:m, :m]), block[m, :m], l1, l2, values[starts[i] : starts[i + 1]])


@numba.njit(cache=True, nogil=True)
def _grow(first: int, full: Floats, l1: np.float32, l2: np.float32, weights: Floats) -> None:
    """Fit the titles from `first` on, one for each row of `weights` (rows, n), which starts at zero."""
    n = len(full)
    slack, gains = np.empty(n, np.float32), np.empty(n, np.float32)
    inside = np.empty(n, np.bool_)
    for row in range(len(weights)):
        target, w = first + row, weights[row]
        slack[:] = full[target]
        inside[:] = False
        inside[target] = True
        while _admit(slack, full, l1, l2, inside, gains):
            inside[target] = False
            chosen = np.flatnonzero(inside)
            inside[target] = True
            before, after = w[chosen], w[chosen]
            _descend(_block(full, chosen), slack[chosen], l1, l2, after)
            w[chosen] = after
            for k in range(len(chosen)):
                moved = after[k] - before[k]
                if moved != 0.0:
                    line = full[chosen[k]]
                    for j in range(n):
                        slack[j] -= moved * line[j]


@numba.njit(cache=True, nogil=True)
def _admit(slack: Floats, full: Floats, l1: np.float32, l2: np.float32, inside: Flags, gains: Floats) -> bool:
    """Let in the titles whose weight would move most, at most `GROWTH`; False when none would move."""
    waiting = 0
    for j in range(len(slack)):
        step = (slack[j] - l1) / (full[j, j] + l2)
        gains[j] = 0.0
        if not inside[j] and step > TOLERANCE:
            gains[j] = step * (slack[j] - l1)
            waiting += 1
    if waiting > GROWTH:
        least = np.partition(gains, len(gains) - GROWTH)[len(gains) - GROWTH]
        for j in range(len(gains)):
            if gains[j] < least:
                gains[j] = 0.0
    for j in range(len(gains)):
        inside[j] |= gains[j] > 0.0
    return waiting > 0


@numba.njit(cache=True, nogil=True)
def _block(full: Floats, chosen: Int64s) -> Floats:
    block = np.empty((len(chosen), len(chosen)), np.float32)
    for a in range(len(chosen)):
        line = full[chosen[a]]
        for b in range(len(chosen)):
            block[a, b] = line[chosen[b]]
    return block


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _descend(block: Floats, slack: Floats, l1: np.float32, l2: np.float32, weights: Floats) -> None:
    """Coordinate descent in place. `block` (m, m) Gram matrix; `slack` = its right side - block @ `weights`."""
    for _ in range(SWEEPS):
        largest = np.float32(0.0)
        for a in range(len(weights)):
            wanted = (slack[a] + block[a, a] * weights[a] - l1) / (block[a, a] + l2)
            moved = max(wanted, np.float32(0.0)) - weights[a]
            if moved != 0.0:
                weights[a] += moved
                line = block[a]
                for b in range(len(slack)):
                    slack[b] -= moved * line[b]
                largest = max(largest, abs(moved))
        if largest <= TOLERANCE:
            return
