"""Alternating least squares for implicit feedback: half steps by conjugate gradients, exact fold-in by Cholesky.

The loss, for members u, titles i and likes S (Rendle, Krichene, Zhang, Koren 2022, arXiv 2110.14037):

    sum over (u, i) in S of (w_u·h_i - 1)² + alpha0 * sum over all (u, i) of (w_u·h_i)²
      + reg * (sum over u of n_u^nu |w_u|² + sum over i of n_i^nu |h_i|²)

with n_u = |likes of u| + alpha0 * titles and n_i = |likes of i| + alpha0 * members.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from matinee.maths.arrays import Floats, Int32s, Int64s
from matinee.maths.ragged import owners_of
from matinee.maths.sparse_dense import even_bounds, in_chunks

STEPS = 3  # conjugate gradient steps of a half step, started from the last answer
PIECES = 64  # pieces of work for the threads
GROUP = 4  # rows whose products with the shared matrix are taken together


def ridge(lengths: Int64s, others: int, alpha0: float, reg: float, nu: float) -> Floats:
    """Penalties reg * (length + alpha0 * others)^nu for each row, float32."""
    return (reg * (lengths + alpha0 * others) ** nu).astype(np.float32)


def half_step(
    likes: sparse.csr_matrix, x: Floats, y: Floats, alpha0: float, ridges: Floats, threads: int | None = None
) -> None:
    """Improve every row of `x` in place towards argmin of the loss with `y` held fixed.

    Shapes: `likes` (rows, columns) of ones, `x` (rows, d), `y` (columns, d), `ridges` (rows,). Each row is solved by
    itself, so the result does not depend on the number of threads.
    """
    assert likes.shape == (len(x), len(y)), f"likes {likes.shape}, x {x.shape}, y {y.shape}"
    shared = everywhere(y, alpha0, threads)
    starts = likes.indptr.astype(np.int64)
    cost = starts + np.arange(len(starts)) * (x.shape[1] // 4 + 1)
    bounds = np.unique(np.searchsorted(cost, np.linspace(0, cost[-1], PIECES + 1)))
    in_chunks(lambda a, b: _half_step(a, b, starts, likes.indices, shared, ridges, y, x), bounds, threads)


def fold_in(items: Int32s, weights: Floats, y: Floats, shared: Floats, ridge: float) -> Floats:
    """The exact row for one history: (d,) w = A⁻¹ b, A = shared + ridge I + sum of c_k h_k h_kᵀ, b = sum of c_k h_k.

    Shapes: `items` and `weights` c (k,), `y` (n, d), `shared` = alpha0 yᵀy (d, d). Zeros for an empty history.
    """
    system, sides = _equations(items, weights, y, shared, ridge)
    return _solved(system, sides.sum(axis=1, keepdims=True))[:, 0]


def fold_in_parts(items: Int32s, weights: Floats, y: Floats, shared: Floats, ridge: float) -> Floats:
    """What each title of a history adds to `fold_in`: (d, k), column k = A⁻¹ c_k h_k; the columns sum to w."""
    return _solved(*_equations(items, weights, y, shared, ridge))


def _equations(items: Int32s, weights: Floats, y: Floats, shared: Floats, ridge: float) -> tuple[Floats, Floats]:
    assert items.shape == weights.shape, f"items {items.shape}, weights {weights.shape}"
    assert shared.shape == (y.shape[1],) * 2, f"shared {shared.shape} for rows of {y.shape[1]}"
    seen = y[items]
    sides = (seen * weights[:, None]).T
    system = np.asarray(shared + sides @ seen, np.float32)
    system[np.diag_indices(len(system))] += np.float32(ridge)
    return system, np.asarray(sides, np.float32)


def _solved(system: Floats, sides: Floats) -> Floats:
    if not sides.size:
        return sides
    _, answer, failed = lapack.sposv(system, sides)
    assert not failed, "a ridge above 0 makes the system positive definite"
    return np.asarray(answer, np.float32)


def loss(likes: sparse.csr_matrix, x: Floats, y: Floats, alpha0: float, ridges: tuple[Floats, Floats]) -> float:
    """The loss above, in float64; `ridges` of the rows of `x` and of `y`."""
    assert likes.shape == (len(x), len(y)), f"likes {likes.shape}, x {x.shape}, y {y.shape}"
    wide, tall = x.astype(np.float64), y.astype(np.float64)
    rows = owners_of(likes.indptr)
    fitted = np.einsum("kd,kd->k", wide[rows], tall[likes.indices])
    everywhere = alpha0 * np.sum((wide.T @ wide) * (tall.T @ tall))
    penalties = [ridge @ (side**2).sum(axis=1) for ridge, side in zip(ridges, (wide, tall), strict=True)]
    return float(np.sum((fitted - 1) ** 2) + everywhere + sum(penalties))


def everywhere(y: Floats, alpha0: float, threads: int | None = None) -> Floats:
    """alpha0 * yᵀy, the part of every row's equations that all columns share: (d, d) float32.

    Not a BLAS call: its threads would go on spinning beside ours. Summed in pieces whose order is fixed.
    """
    bounds = even_bounds(len(y), PIECES // 4)
    sums = np.zeros((len(bounds), y.shape[1], y.shape[1]), np.float32)
    in_chunks(lambda a, b: _add_outer(y[a:b], sums[np.searchsorted(bounds, a)]), bounds, threads)
    upper = sums.sum(axis=0)
    return np.asarray(np.float32(alpha0) * (upper + np.triu(upper, 1).T), np.float32)


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_outer(rows: Floats, upper: Floats) -> None:
    """Add the upper triangle of rowsᵀ rows, four rows a pass."""
    n, d = rows.shape
    for top in range(0, n - 3, 4):
        r0, r1, r2, r3 = rows[top], rows[top + 1], rows[top + 2], rows[top + 3]
        for k in range(d):
            total, c0, c1, c2, c3 = upper[k], r0[k], r1[k], r2[k], r3[k]
            for j in range(k, d):
                total[j] += c0 * r0[j] + c1 * r1[j] + c2 * r2[j] + c3 * r3[j]
    for row in range(n - n % 4, n):
        for k in range(d):
            for j in range(k, d):
                upper[k, j] += rows[row, k] * rows[row, j]


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _half_step(
    first: int, last: int, starts: Int64s, items: Int32s, shared: Floats, ridges: Floats, y: Floats, x: Floats
) -> None:
    d = x.shape[1]
    residual, direction = np.empty((GROUP, d), np.float32), np.empty((GROUP, d), np.float32)
    product, norms = np.empty((GROUP, d), np.float32), np.empty(GROUP, np.float32)
    for top in range(first, last, GROUP):
        count = min(GROUP, last - top)
        direction[:] = 0.0
        direction[:count] = x[top : top + count]
        _times_shared(shared, direction, product)
        for g in range(count):
            row = top + g
            _start(items[starts[row] : starts[row + 1]], y, ridges[row], direction[g], product[g], residual[g])
            norms[g] = _dot(residual[g], residual[g])
        direction[:] = residual
        for _ in range(STEPS):
            _times_shared(shared, direction, product)
            for g in range(count):
                row = top + g
                _add_likes(items[starts[row] : starts[row + 1]], y, ridges[row], direction[g], product[g])
                norms[g] = _advance(x[row], residual[g], direction[g], product[g], norms[g])


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _times_shared(shared: Floats, vectors: Floats, out: Floats) -> None:
    """out[g] = shared @ vectors[g] for the `GROUP` = 4 vectors; `shared` is symmetric (d, d)."""
    v0, v1, v2, v3 = vectors[0], vectors[1], vectors[2], vectors[3]
    d = len(v0)
    for k in range(0, d - 1, 2):
        even, odd = shared[k], shared[k + 1]
        e0 = e1 = e2 = e3 = o0 = o1 = o2 = o3 = np.float32(0.0)
        for j in range(d):
            e0 += even[j] * v0[j]
            e1 += even[j] * v1[j]
            e2 += even[j] * v2[j]
            e3 += even[j] * v3[j]
            o0 += odd[j] * v0[j]
            o1 += odd[j] * v1[j]
            o2 += odd[j] * v2[j]
            o3 += odd[j] * v3[j]
        out[0, k], out[1, k], out[2, k], out[3, k] = e0, e1, e2, e3
        out[0, k + 1], out[1, k + 1], out[2, k + 1], out[3, k + 1] = o0, o1, o2, o3
    if d % 2:
        for g in range(GROUP):
            out[g, d - 1] = _dot(shared[d - 1], vectors[g])


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _fold(items: Int32s, y: Floats, vector: Floats, constant: float, slope: float, out: Floats) -> None:
    """Add to `out` the sum over h = y[items] of (constant + slope * h·vector) * h, four rows a pass."""
    d, at = len(vector), 0
    while at + 4 <= len(items):
        h0, h1, h2, h3 = y[items[at]], y[items[at + 1]], y[items[at + 2]], y[items[at + 3]]
        c0 = c1 = c2 = c3 = np.float32(0.0)
        for j in range(d):
            c0 += h0[j] * vector[j]
            c1 += h1[j] * vector[j]
            c2 += h2[j] * vector[j]
            c3 += h3[j] * vector[j]
        c0, c1 = np.float32(constant + slope * c0), np.float32(constant + slope * c1)
        c2, c3 = np.float32(constant + slope * c2), np.float32(constant + slope * c3)
        for j in range(d):
            out[j] += c0 * h0[j] + c1 * h1[j] + c2 * h2[j] + c3 * h3[j]
        at += 4
    for item in items[at:]:
        factor = np.float32(constant + slope * _dot(y[item], vector))
        for j in range(d):
            out[j] += factor * y[item, j]


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _start(items: Int32s, y: Floats, ridge: float, x: Floats, product: Floats, residual: Floats) -> None:
    """Set residual = sum of h - A x for A = shared + ridge I + sum of h hᵀ; `product` holds shared @ x."""
    for j in range(len(x)):
        residual[j] = -product[j] - ridge * x[j]
    _fold(items, y, x, 1.0, -1.0, residual)


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_likes(items: Int32s, y: Floats, ridge: float, direction: Floats, product: Floats) -> None:
    """Complete product = A direction, of which it holds shared @ direction."""
    for j in range(len(direction)):
        product[j] += ridge * direction[j]
    _fold(items, y, direction, 0.0, 1.0, product)


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _advance(x: Floats, residual: Floats, direction: Floats, product: Floats, norm: float) -> np.float32:
    """One conjugate gradient step in place; returns the new squared norm of the residual."""
    curvature = _dot(direction, product)
    step = np.float32(norm / curvature) if curvature > 0 else np.float32(0.0)
    for j in range(len(x)):
        x[j] += step * direction[j]
        residual[j] -= step * product[j]
    new = _dot(residual, residual)
    momentum = np.float32(new / norm) if norm > 0 else np.float32(0.0)
    for j in range(len(x)):
        direction[j] = residual[j] + momentum * direction[j]
    return np.float32(new)


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _dot(a: Floats, b: Floats) -> np.float32:
    total = np.float32(0.0)
    for j in range(len(a)):
        total += a[j] * b[j]
    return total
