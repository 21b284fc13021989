"""The Gram matrix of sparse rows and the inverse of a positive definite matrix, each in one n x n array."""

from __future__ import annotations

import numba
import numpy as np
from scipy import sparse
from scipy.linalg import blas, lapack

from matinee.errors import BadRequest
from matinee.maths.arrays import Floats, Int32s, Int64s
from matinee.maths.cores import blas_on_usable_cores
from matinee.maths.sparse_dense import compressed, even_bounds, in_chunks
from matinee.maths.triangle import factor_triangle, invert_triangle, square_triangle

TILE = 64  # side of the squares in which a triangle is mirrored
BAND = 512  # columns that are mirrored at a time
CHUNKS = 64  # pieces of work for the threads; more pieces than threads evens out unequal rows


def touched(matrix: sparse.csr_matrix) -> Int32s:
    """The columns with an entry that is not zero, ascending: all others are zero in XᵀX, rows and columns."""
    entries = np.bincount(matrix.indices[matrix.data != 0], minlength=matrix.shape[1])
    return np.flatnonzero(entries).astype(np.int32)


def gram(matrix: sparse.csr_matrix, threads: int | None = None) -> Floats:
    """The upper triangle of G = XᵀX for X (rows, n): (n, n) float32, C-ordered, zeros below the diagonal.

    Row i of G is summed from the rows of X that hold column i, so threads share nothing and need no n² of their own.
    """
    rows = matrix.tocsr().astype(np.float32)
    rows.sort_indices()
    out = np.zeros((rows.shape[1], rows.shape[1]), np.float32)
    arrays = *compressed(rows), *compressed(rows.tocsc())

    def work(first: int, last: int) -> None:
        _gram_rows(first, last, *arrays, out)

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

    (n, n) float32, C-ordered; only its upper triangle is read. G = UᵀU by LAPACK `spotrf`, then G⁻¹ = U⁻¹U⁻ᵀ with
    `slauum`, very large ones by halves, no copy. Raises `BadRequest` when the matrix is not positive definite.
    """
    assert matrix.flags.c_contiguous, f"strides {matrix.strides}, not of rows one after the other"
    assert matrix.dtype == np.float32, f"numbers are {matrix.dtype}, not float32"
    if not len(matrix):
        return matrix
    with blas_on_usable_cores():
        _require_solved(factor_triangle(matrix), f"the matrix of {len(matrix):,} titles")
        invert_triangle(matrix)
        square_triangle(matrix)
    return matrix


def inverse_by_rows(matrix: sparse.csr_matrix, penalties: Floats) -> Floats:
    """The upper triangle of (XᵀX + D)⁻¹ for X (m, n) by an m x m factorization: for far fewer rows than columns.

    With D = diag(`penalties` (n,)) and Y = X D^-1/2 it is D^-1/2 (I - VᵀV) D^-1/2, V = L⁻¹Y, LLᵀ = YYᵀ + I
    (Woodbury). Cost n²m instead of n³; memory n² + mn floats. Without rows it is D⁻¹. Raises `BadRequest` when YYᵀ + I
    is not positive definite in float32.
    """
    assert penalties.shape == (matrix.shape[1],), f"penalties {penalties.shape} for {matrix.shape}"
    if not matrix.shape[0]:
        return np.diag(1 / np.asarray(penalties, np.float32))
    roots = np.sqrt(penalties).astype(np.float32)
    scaled = (matrix @ sparse.diags_array(1 / roots)).astype(np.float32)
    system = np.asfortranarray((scaled @ scaled.T).toarray(), np.float32)
    system[np.diag_indices(len(system))] += np.float32(1.0)
    with blas_on_usable_cores():
        factor, failed = lapack.spotrf(system, lower=1, overwrite_a=1)
        _require_solved(failed, f"the matrix of {len(system):,} members")
        half, failed = lapack.strtrs(factor, scaled.toarray(order="F"), lower=1, overwrite_b=1)
        _require_solved(failed, f"the factor of {len(system):,} members")
        out: Floats = blas.ssyrk(-1.0, half, trans=1, lower=1).T
    out[np.diag_indices(len(out))] += np.float32(1.0)
    out /= roots
    out /= roots[:, None]
    return out


def _require_solved(failed: int, what: str) -> None:
    """Judge LAPACK's result code: 0 is success, k > 0 names a place, k < 0 an argument."""
    if failed:
        raise BadRequest(f"{what} is not positive definite (LAPACK's result is {failed}); raise l2")


def mirror(upper: Floats) -> Floats:
    """Fill the lower triangle of a symmetric matrix from its upper one, in place."""
    for left in range(0, len(upper), BAND):
        right = left + BAND
        upper[right:, left:right] = upper[left:right, right:].T
        square = upper[left:right, left:right]
        square += np.triu(square, 1).T
    return upper


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
    tile = np.empty((TILE, TILE), np.float32)
    for top in range(first, last, TILE):
        for left in range(top, n, TILE):
            if left > top and left + TILE <= n:
                _mirror_tile(top, left, scale, matrix, tile)
                continue
            for i in range(top, min(top + TILE, n)):
                for j in range(max(left, i), min(left + TILE, n)):
                    value = matrix[i, j]
                    matrix[i, j] = value * scale[j]
                    matrix[j, i] = value * scale[i]
    for i in range(first, last):
        matrix[i, i] = 0.0


@numba.njit(cache=True, nogil=True)
def _mirror_tile(top: int, left: int, scale: Floats, matrix: Floats, tile: Floats) -> None:
    """Turn a whole tile by way of a copy, so that the matrix is read and written along its rows only."""
    for i in range(TILE):
        row = matrix[top + i, left : left + TILE]
        for j in range(TILE):
            tile[i, j] = row[j]
            row[j] *= scale[left + j]
    for j in range(TILE):
        row = matrix[left + j, top : top + TILE]
        for i in range(TILE):
            row[i] = tile[i, j] * scale[top + i]
