"""Similarity of titles by who liked them: weightings, and each title's nearest neighbours."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numba
import numpy as np
from scipy import sparse

from matinee.maths.arrays import Floats, Int32s, Int64s
from matinee.maths.ragged import offsets_of
from matinee.maths.sparse_dense import compressed, even_bounds, in_chunks

Weighting: TypeAlias = Literal["cosine", "tfidf", "bm25"]

CHUNKS = 64  # pieces of work for the threads
BM25_K1 = 1.2  # how soon more of the same stops counting
BM25_B = 0.75  # how much of a title's popularity is divided out


def weighted(likes: sparse.csr_matrix, weighting: Weighting) -> sparse.csr_matrix:
    """Members x titles weights whose dot products of columns are the similarities of titles, float32.

    cosine   x_ui / |x_i|
    tfidf    x_ui * idf_u, divided by its column's length
    bm25     x_ui * (k1 + 1) / (k1 * (1 - b + b * n_i / mean n) + x_ui) * idf_u

    where idf_u = log(titles / (1 + likes of u)), at least 0: members who like everything tell little.
    """
    out = likes.tocsr().astype(np.float64)
    members = np.repeat(np.arange(out.shape[0]), np.diff(out.indptr))
    if weighting != "cosine":
        counts = np.diff(out.indptr)
        out.data *= np.maximum(np.log(max(out.shape[1], 1) / (1.0 + counts)), 0.0)[members]
    if weighting == "bm25":
        popularity = np.bincount(out.indices, likes.data, minlength=out.shape[1])
        norm = 1 - BM25_B + BM25_B * popularity / max(float(popularity.mean()), 1e-12)
        out.data *= (BM25_K1 + 1) / (BM25_K1 * norm[out.indices] + likes.data)
    else:
        lengths = np.sqrt(np.bincount(out.indices, out.data**2, minlength=out.shape[1]))
        out.data /= np.maximum(lengths, 1e-12)[out.indices]
    return out.astype(np.float32)


def nearest(weights: sparse.csr_matrix, k: int, threads: int | None = None) -> tuple[Int64s, Int32s, Floats]:
    """The at most `k` titles most similar to each title, never itself: (starts, titles ascending, similarities).

    `weights` (members, titles) as from `weighted`; similarity of i and j = dot product of columns i and j.
    """
    return largest_products(weights.T.tocsr(), weights.tocsr(), k, threads)


def largest_products(
    left: sparse.csr_matrix, right: sparse.csr_matrix, k: int, threads: int | None = None
) -> tuple[Int64s, Int32s, Floats]:
    """The `k` largest entries above 0 of each row of `left` (n, m) times `right` (m, n), never the diagonal's.

    Returns (starts, columns ascending, values). Work: the additions of the product; memory: two rows of it a thread.
    """
    n = right.shape[1]
    assert left.shape == right.shape[::-1], f"left is {left.shape}, right {right.shape}"
    k = max(1, min(k, n))
    found, values = np.full((n, k), -1, np.int32), np.zeros((n, k), np.float32)
    arrays = *compressed(left), *compressed(right)

    def work(first: int, last: int) -> None:
        sums, touched = np.zeros(n, np.float32), np.empty(n, np.int32)
        for i in range(first, last):
            count = _add_up(i, *arrays, sums, touched)
            near = touched[:count]
            top = np.sort(near[np.argpartition(-sums[near], k - 1)[:k]] if count > k else near)
            found[i, : len(top)], values[i, : len(top)] = top, sums[top]
            sums[near] = 0.0

    in_chunks(work, even_bounds(n, CHUNKS), threads)
    kept = found >= 0
    return offsets_of(kept.sum(axis=1)), found[kept], values[kept]


@numba.njit(cache=True, nogil=True)
def _add_up(
    i: int,
    starts: Int64s,
    places: Int32s,
    data: Floats,
    row_starts: Int64s,
    columns: Int32s,
    row_data: Floats,
    sums: Floats,
    touched: Int32s,
) -> int:
    """Add row i of the product to `sums` (n,), 0 before; returns how many columns were `touched`."""
    count = 0
    for at in range(starts[i], starts[i + 1]):
        for other in range(row_starts[places[at]], row_starts[places[at] + 1]):
            j, added = columns[other], data[at] * row_data[other]
            if added > 0.0 and j != i:
                if sums[j] == 0.0:
                    touched[count] = j
                    count += 1
                sums[j] += added
    return count
