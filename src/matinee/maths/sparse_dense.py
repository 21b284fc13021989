"""Sparse rows times a dense or sparse matrix: how a history turns into a score for every title."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np
from scipy import sparse

from matinee.maths.arrays import Floats, Int32s, Int64s
from matinee.maths.cores import usable_cores
from matinee.maths.ragged import narrowed

BLOCK = 16_384  # columns per pass: the sums of a block stay in the second-level cache
SMALL_BLOCK = 1_024  # columns of eight rows that stay near from being added to being compared
FEW = 64  # rows that one thread adds in one go


def in_chunks(
    work: Callable[[int, int], None],
    bounds: Int64s,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Run `work(start, end)` for each pair of neighbouring `bounds`, on `threads` threads (None = one a usable core).

    `progress` hears the share of the chunks that are done, from the calling thread.
    """
    told = progress or (lambda done: None)
    pairs = list(pairwise(bounds.tolist()))
    threads = 1 if len(pairs) <= 1 else threads or usable_cores()
    if threads == 1:
        for at, (start, end) in enumerate(pairs):
            work(start, end)
            told((at + 1) / len(pairs))
        return
    with ThreadPoolExecutor(threads) as pool:
        for at, done in enumerate([pool.submit(work, start, end) for start, end in pairs]):
            done.result()
            told((at + 1) / len(pairs))


def even_bounds(rows: int, chunks: int) -> Int64s:
    """The bounds of at most `chunks` nearly equal chunks of `rows` rows, none of them empty."""
    return np.unique(np.linspace(0, rows, chunks + 1).astype(np.int64))


def compressed(matrix: sparse.csr_matrix | sparse.csc_matrix) -> tuple[Int64s, Int32s, Floats]:
    """What the kernels take of sparse rows, or of sparse columns: starts, places and values, as one of them stores."""
    return (
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data.astype(np.float32, copy=False),
    )


def columns_for_lists(likes: sparse.csr_matrix, starts: Int64s, titles: Int32s) -> tuple[Int64s, Int32s, Floats]:
    """The columns of `likes` (members, titles) for kernels in which title i has `titles[starts[i]:starts[i + 1]]`."""
    assert starts.shape == (likes.shape[1] + 1,), f"starts {starts.shape} for {likes.shape[1]} titles"
    assert starts[-1] == len(titles), f"starts end at {starts[-1]}, there are {len(titles)} in the lists"
    return compressed(likes.tocsc())


def largest_of_rows(matrix: sparse.csr_matrix, k: int) -> sparse.csr_matrix:
    """The matrix with the `k` largest entries of each row alone; of equal ones any."""
    starts, places, values = compressed(matrix)
    kept = np.ones(len(values), np.bool_)
    for row in np.flatnonzero(np.diff(starts) > k):
        entries = slice(starts[row], starts[row + 1])
        kept[entries][np.argpartition(-values[entries], k)[k:]] = False
    return sparse.csr_matrix((values[kept], places[kept], narrowed(starts, kept)), matrix.shape)


def add_rows(
    offsets: Int64s, items: Int32s, weights: Floats, dense: Floats, out: Floats, threads: int | None = None
) -> None:
    """out[b] += sum over k in offsets[b]..offsets[b+1] of weights[k] * dense[items[k]].

    Shapes: `offsets` (batch + 1), `items` and `weights` flat, `dense` (n, m) C-ordered, `out` (batch, m).
    The sum runs in the order of the history whatever the number of threads or the batch, so a batch equals singles.
    """
    assert items.shape == weights.shape == (offsets[-1],), f"{items.shape}, {weights.shape}, {offsets[-1]} values"
    assert out.shape == (len(offsets) - 1, dense.shape[1]), (
        f"out {out.shape} for {len(offsets) - 1} rows of {dense.shape[1]}"
    )
    bounds = even_bounds(len(out), len(out) // FEW + 1)
    in_chunks(lambda a, b: _add_rows(offsets[a : b + 1], items, weights, dense, out[a:b]), bounds, threads)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_rows(offsets: Int64s, items: Int32s, weights: Floats, dense: Floats, out: Floats) -> None:
    for left in range(0, dense.shape[1], BLOCK):
        columns = slice(left, min(left + BLOCK, dense.shape[1]))
        for b in range(len(offsets) - 1):
            total = out[b, columns]
            at, end = offsets[b], offsets[b + 1]
            while at + 8 <= end:  # eight rows a pass: the sums are read and written an eighth as often
                _add_eight(weights[at : at + 8], items[at : at + 8], dense, columns, total)
                at += 8
            while at < end:
                _add_one(weights[at], dense[items[at], columns], total)
                at += 1


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _add_eight(w: Floats, i: Int32s, dense: Floats, columns: slice, total: Floats) -> None:
    w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
    r0, r1, r2, r3 = dense[i[0], columns], dense[i[1], columns], dense[i[2], columns], dense[i[3], columns]
    r4, r5, r6, r7 = dense[i[4], columns], dense[i[5], columns], dense[i[6], columns], dense[i[7], columns]
    for j in range(len(total)):
        first = w0 * r0[j] + w1 * r1[j] + w2 * r2[j] + w3 * r3[j]
        total[j] += first + w4 * r4[j] + w5 * r5[j] + w6 * r6[j] + w7 * r7[j]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _add_one(weight: float, row: Floats, total: Floats) -> None:
    for j in range(len(total)):
        total[j] += weight * row[j]


def add_columns(part: Floats, columns: Int32s, out: Floats) -> None:
    """out[b, columns[j]] += part[b, j]: `part` (batch, k), `columns` (k,) distinct, `out` (batch, n)."""
    assert part.shape == (len(out), len(columns)), f"part {part.shape} for {len(out)} rows and {len(columns)} columns"
    _add_columns(part, columns, out)


@numba.njit(cache=True, nogil=True)
def _add_columns(part: Floats, columns: Int32s, out: Floats) -> None:
    for b in range(len(part)):
        for j in range(len(columns)):
            out[b, columns[j]] += part[b, j]


def add_sparse_rows(
    offsets: Int64s, items: Int32s, weights: Floats, starts: Int64s, columns: Int32s, values: Floats, out: Floats
) -> None:
    """As `add_rows` for a sparse matrix: row i holds `values[starts[i]:starts[i+1]]` at `columns[...]`."""
    assert items.shape == weights.shape == (offsets[-1],), f"{items.shape}, {weights.shape}, {offsets[-1]} values"
    assert len(out) == len(offsets) - 1, f"{len(out)} rows of {len(offsets) - 1}"
    _add_sparse_rows(offsets, items, weights, starts, columns, values, out)


@numba.njit(cache=True, nogil=True)
def _add_sparse_rows(
    offsets: Int64s, items: Int32s, weights: Floats, starts: Int64s, columns: Int32s, values: Floats, out: Floats
) -> None:
    for b in range(len(offsets) - 1):
        for at in range(offsets[b], offsets[b + 1]):
            for k in range(starts[items[at]], starts[items[at] + 1]):
                out[b, columns[k]] += weights[at] * values[k]


def strongest(offsets: Int64s, items: Int32s, weights: Floats, dense: Floats, asked: Int32s) -> Int32s:
    """For each asked title the history title that adds most to its score, -1 where none adds anything.

    argmax over k of weights[k] * dense[items[k], asked[b, c]], if positive; the later of equals.
    Shapes: `asked` and the result (batch, c), -1 = nothing asked; otherwise as `add_rows`.
    """
    assert asked.shape[0] == len(offsets) - 1, f"asked {asked.shape} for {len(offsets) - 1} rows"
    best = np.full(asked.shape, -1, np.int32)
    _strongest(offsets, items, weights, dense, asked, best)
    return best


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _strongest(offsets: Int64s, items: Int32s, weights: Floats, dense: Floats, asked: Int32s, best: Int32s) -> None:
    """One pass over the whole rows, block by block: reading them in order costs less than picking a few numbers."""
    n = dense.shape[1]
    most, source = np.empty(n, np.float32), np.empty(n, np.int32)
    for b in range(len(offsets) - 1):
        most[:], source[:] = 0.0, -1
        for left in range(0, n, BLOCK):
            columns = slice(left, min(left + BLOCK, n))
            top, of = most[columns], source[columns]
            at, end = offsets[b], offsets[b + 1]
            while at + 4 <= end:
                _compare_four(weights[at : at + 4], items[at : at + 4], dense, columns, top, of)
                at += 4
            while at < end:
                _compare_one(weights[at], items[at], dense[items[at], columns], top, of)
                at += 1
        for c in range(asked.shape[1]):
            if 0 <= asked[b, c] < n and most[asked[b, c]] > 0.0:
                best[b, c] = source[asked[b, c]]


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz"}, error_model="numpy")
def _compare_four(w: Floats, i: Int32s, dense: Floats, columns: slice, top: Floats, of: Int32s) -> None:
    w0, w1, w2, w3, i0, i1, i2, i3 = w[0], w[1], w[2], w[3], i[0], i[1], i[2], i[3]
    r0, r1, r2, r3 = dense[i0, columns], dense[i1, columns], dense[i2, columns], dense[i3, columns]
    for j in range(len(top)):
        a0, a1, a2, a3 = w0 * r0[j], w1 * r1[j], w2 * r2[j], w3 * r3[j]
        left_most, left_of = (a1, i1) if a1 >= a0 else (a0, i0)
        right_most, right_of = (a3, i3) if a3 >= a2 else (a2, i2)
        if right_most >= left_most:
            left_most, left_of = right_most, right_of
        if left_most >= top[j]:
            top[j], of[j] = left_most, left_of


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz"}, error_model="numpy")
def _compare_one(weight: float, item: int, row: Floats, top: Floats, of: Int32s) -> None:
    for j in range(len(top)):
        if weight * row[j] >= top[j]:
            top[j], of[j] = weight * row[j], item


def add_rows_and_strongest(
    offsets: Int64s, items: Int32s, weights: Floats, dense: Floats, out: Floats, threads: int | None = None
) -> Int32s:
    """`add_rows`, and what `strongest` says of every column, (batch, m), with the rows read once for both."""
    assert items.shape == weights.shape == (offsets[-1],), f"{items.shape}, {weights.shape}, {offsets[-1]} values"
    assert out.shape == (len(offsets) - 1, dense.shape[1]), (
        f"out {out.shape} for {len(offsets) - 1} rows of {dense.shape[1]}"
    )
    source = np.full(out.shape, -1, np.int32)

    def work(a: int, b: int) -> None:
        _add_and_compare(offsets[a : b + 1], items, weights, dense, out[a:b], source[a:b])

    in_chunks(work, even_bounds(len(out), len(out) // FEW + 1), threads)
    return source


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add_and_compare(
    offsets: Int64s, items: Int32s, weights: Floats, dense: Floats, out: Floats, source: Int32s
) -> None:
    n = dense.shape[1]
    most = np.empty(n, np.float32)
    for b in range(len(offsets) - 1):
        most[:] = 0.0
        at, end = offsets[b], offsets[b + 1]
        while at + 8 <= end:
            w, i = weights[at : at + 8], items[at : at + 8]
            for left in range(0, n, SMALL_BLOCK):
                columns = slice(left, min(left + SMALL_BLOCK, n))
                top, of = most[columns], source[b, columns]
                _add_eight(w, i, dense, columns, out[b, columns])
                _compare_four(w[:4], i[:4], dense, columns, top, of)
                _compare_four(w[4:], i[4:], dense, columns, top, of)
            at += 8
        while at < end:
            _add_one(weights[at], dense[items[at]], out[b])
            _compare_one(weights[at], items[at], dense[items[at]], most, source[b])
            at += 1
        for j in range(n):
            if most[j] <= 0.0:
                source[b, j] = -1


def strongest_sparse(
    offsets: Int64s, items: Int32s, weights: Floats, starts: Int64s, columns: Int32s, values: Floats, asked: Int32s
) -> Int32s:
    """As `strongest` for a sparse matrix given as in `add_sparse_rows`."""
    assert asked.shape[0] == len(offsets) - 1, f"asked {asked.shape} for {len(offsets) - 1} rows"
    best = np.full(asked.shape, -1, np.int32)
    _strongest_sparse(offsets, items, weights, starts, columns, values, asked, int(asked.max(initial=-1)) + 1, best)
    return best


@numba.njit(cache=True, nogil=True)
def _strongest_sparse(
    offsets: Int64s,
    items: Int32s,
    weights: Floats,
    starts: Int64s,
    columns: Int32s,
    values: Floats,
    asked: Int32s,
    n: int,
    best: Int32s,
) -> None:
    """Columns from `n` on were not asked for."""
    most, source = np.zeros(n, np.float32), np.empty(n, np.int32)
    for b in range(len(offsets) - 1):
        most[:] = 0.0
        for at in range(offsets[b], offsets[b + 1]):
            for k in range(starts[items[at]], starts[items[at] + 1]):
                added = weights[at] * values[k]
                if columns[k] < n and added > 0.0 and added >= most[columns[k]]:
                    most[columns[k]], source[columns[k]] = added, items[at]
        for c in range(asked.shape[1]):
            if asked[b, c] >= 0 and most[asked[b, c]] > 0.0:
                best[b, c] = source[asked[b, c]]
