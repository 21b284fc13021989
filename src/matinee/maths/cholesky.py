"""A precision kept as its Cholesky factor: one more observation, solving, and the inverse, in compiled loops."""

from __future__ import annotations

import math

import numba
import numpy as np

from matinee.maths.arrays import Doubles


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_outer(factor: Doubles, x: Doubles) -> None:
    """Make the lower `factor` (n, n) of A that of A + x xᵀ, in n² steps; `x` (n,) is used up.

    Gill, Golub, Murray and Saunders 1974 ("Methods for modifying matrix factorizations"), method C1.
    """
    n = len(x)
    for k in range(n):
        old = factor[k, k]
        new = math.sqrt(old * old + x[k] * x[k])
        cosine, sine = new / old, x[k] / old
        factor[k, k] = new
        for i in range(k + 1, n):
            factor[i, k] = (factor[i, k] + sine * x[i]) / cosine
            x[i] = cosine * x[i] - sine * factor[i, k]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def solve(factor: Doubles, b: Doubles) -> None:
    """Make `b` (n,) the solution y of A y = b, given the lower `factor` (n, n) of A."""
    n = len(b)
    for i in range(n):
        for k in range(i):
            b[i] -= factor[i, k] * b[k]
        b[i] /= factor[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            b[i] -= factor[k, i] * b[k]
        b[i] /= factor[i, i]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def inverse(factor: Doubles) -> Doubles:
    """(n, n) A⁻¹, given the lower `factor` (n, n) of A."""
    n = len(factor)
    rows = np.zeros((n, n))
    for i in range(n):
        rows[i, i] = 1.0
        solve(factor, rows[i])
    return rows
