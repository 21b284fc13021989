"""The Gram matrix of sparse rows and the inverse of a positive definite matrix, each in one n x n array."""

from __future__ import annotations

import numba
import numpy as np
from scipy import sparse
from scipy.linalg import blas, lapack

from matinee.errors import BadRequest
from matinee.maths.arrays import Floats, Int32s, Int64s
from matinee.maths.sparse_dense import even_bounds, in_chunks

TILE = 64  # side of the squares in which a triangle is mirrored
CHUNKS = 64  # pieces of work for the threads; more pieces than threads evens out unequal rows


def gram(matrix: sparse.csr_matrix, threads: int | None = None) -> Floats:
    """The upper triangle of G = XᵀX for X (rows, n): (n, n) float32, C-ordered, zeros below the diagonal.

    Row i of G is summed from the rows of X that hold column i, so threads share nothing and need no n² of their own.
    """
    rows = matrix.tocsr().astype(np.float32)
    rows.sort_indices()
    columns = rows.tocsc()
    out = np.zeros((rows.shape[1], rows.shape[1]), np.float32)
    starts, indices = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    column_starts, holders = columns.indptr.astype(np.int64), columns.indices.astype(np.int32)

    def work(first: int, last: int) -> None:
        _gram_rows(first, last, starts, indices, rows.data, column_starts, holders, columns.data, out)

    in_chunks(work, even_bounds(len(out), CHUNKS), threads)
    return out


@numba.njit(cache=True, nogil=True)
def _gram_rows(
    first: int,
    last: int,
    starts: Int64s,
    indices: Int32s,
    data: Floats,
    column_starts: Int64s,
    holders: Int32s,
    column_data: Floats,
    out: Floats,
) -> None:
    for i in range(first, last):
        for k in range(column_starts[i], column_starts[i + 1]):
            row = holders[k]
            at = starts[row + 1] - 1
            while at >= starts[row] and indices[at] >= i:
                out[i, indices[at]] += column_data[k] * data[at]
                at -= 1


def invert_upper(matrix: Floats) -> Floats:
    """Overwrite the upper triangle of a symmetric positive definite matrix with that of its inverse.

    (n, n) float32, C-ordered; only its upper triangle is read. LAPACK `spotrf` (Cholesky) and `spotri`, no copy.
    Raises `BadRequest` when the matrix is not positive definite.
    """
    assert matrix.flags.c_contiguous
    assert matrix.dtype == np.float32
    factor, failed = lapack.spotrf(matrix.T, lower=1, overwrite_a=1, clean=0)
    if not failed:
        _, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise BadRequest(f"a matrix of {len(matrix)} titles is not positive definite at {failed}; raise l2")
    return matrix


def inverse_by_rows(matrix: sparse.csr_matrix, l2: float) -> Floats:
    """The upper triangle of (XᵀX + l2 I)⁻¹ for X (m, n), by an m x m factorization: for far fewer rows than columns.

    (XᵀX + l2 I)⁻¹ = (I - VᵀV) / l2 with V = L⁻¹X and LLᵀ = XXᵀ + l2 I (Woodbury). Cost n²m instead of n³;
    memory n² + mn floats.
    """
    system = np.asfortranarray((matrix @ matrix.T).toarray(), np.float32)
    system[np.diag_indices(len(system))] += np.float32(l2)
    factor, failed = lapack.spotrf(system, lower=1, overwrite_a=1)
    if failed:
        raise BadRequest(f"the matrix of {len(system)} members is not positive definite at {failed}; raise l2")
    half, _ = lapack.strtrs(factor, matrix.toarray(order="F"), lower=1, overwrite_b=1)
    out: Floats = blas.ssyrk(-1.0 / l2, half, trans=1, lower=1).T
    out[np.diag_indices(len(out))] += np.float32(1.0 / l2)
    return out


def mirror_scaled(matrix: Floats, threads: int | None = None) -> Floats:
    """From the upper triangle of a symmetric P to B_ij = -P_ij / P_jj with a zero diagonal, in place."""
    scale = -1.0 / np.diagonal(matrix).copy()
    bands = even_bounds(-(-len(matrix) // TILE), CHUNKS)
    in_chunks(lambda a, b: _mirror_scaled(a * TILE, min(b * TILE, len(matrix)), scale, matrix), bands, threads)
    return matrix


@numba.njit(cache=True, nogil=True)
def _mirror_scaled(first: int, last: int, scale: Floats, matrix: Floats) -> None:
    """Bands own the tiles on and right of their rows and the mirror images of these: no two threads meet."""
    n = len(matrix)
    for top in range(first, last, TILE):
        for left in range(top, n, TILE):
            for i in range(top, min(top + TILE, n)):
                for j in range(max(left, i), min(left + TILE, n)):
                    value = matrix[i, j]
                    matrix[i, j] = value * scale[j]
                    matrix[j, i] = value * scale[i]
    for i in range(first, last):
        matrix[i, i] = 0.0
