"""Triangular matrices in place, by halves: their Cholesky factor, inverse and square, mostly as large products.

All are the upper triangles of C-ordered float32 matrices; below the diagonal nothing is read or touched. Rows may lie
further apart than they are long, so that a part of a matrix is worked on where it lies. BLAS and LAPACK read columns
first and see every matrix transposed: upper is lower, left is right, m and n change places. They are called by address,
because scipy's wrappers copy what does not lie in one piece.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from numba.extending import get_cython_function_address
from scipy.linalg import lapack

from matinee.maths.arrays import Floats

LEAF = 256  # side of the triangles that LAPACK inverts
WHOLE = 20_480  # side up to which LAPACK factors and squares: OpenBLAS 0.3.30's spotrf crashes at 26,000 (AVX-512)
EVEN = 64  # halves are multiples of this, so that rows start on whole cache lines


def _routine(module: str, name: str, arguments: int) -> Callable[..., None]:
    address = get_cython_function_address(f"scipy.linalg.{module}", name)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)(address)


_strmm, _strsm = (_routine("cython_blas", name, 11) for name in ("strmm", "strsm"))
_ssyrk = _routine("cython_blas", "ssyrk", 10)
_spotrf, _slauum = (_routine("cython_lapack", name, 5) for name in ("spotrf", "slauum"))


def factor_triangle(upper: Floats) -> int:
    """Overwrite the upper triangle of G = UᵀU with U; returns 0, or the place of the first pivot that is not positive.

    U of [[A, B], [., C]] is [[U₁, U₁⁻ᵀ B], [0, U₂]] with A = U₁ᵀU₁ and U₂ᵀU₂ = C - BᵀA⁻¹B.
    """
    if len(upper) <= WHOLE:
        failed = ctypes.c_int(0)
        _call(_spotrf, b"L", len(upper), upper, failed)
        return failed.value
    first, corner, second = _halves(upper)
    if failed_at := factor_triangle(first):
        return failed_at
    rows, columns = corner.shape
    _call(_strsm, b"R", b"L", b"T", b"N", columns, rows, 1.0, first, corner)
    _call(_ssyrk, b"L", b"N", columns, rows, -1.0, corner, 1.0, second)
    failed_at = factor_triangle(second)
    return failed_at and failed_at + len(first)


def invert_triangle(upper: Floats) -> None:
    """Overwrite the upper triangle U with that of U⁻¹; U must have no zero on its diagonal.

    The inverse of [[A, B], [0, C]] is [[A⁻¹, -A⁻¹ B C⁻¹], [0, C⁻¹]].
    """
    if len(upper) <= LEAF:
        upper[:] = lapack.strtri(upper.T, lower=1)[0].T
        return
    first, corner, second = _halves(upper)
    invert_triangle(first)
    invert_triangle(second)
    rows, columns = corner.shape
    _call(_strmm, b"R", b"L", b"N", b"N", columns, rows, -1.0, first, corner)
    _call(_strmm, b"L", b"L", b"N", b"N", columns, rows, 1.0, second, corner)


def square_triangle(upper: Floats) -> None:
    """Overwrite the upper triangle U with that of U Uᵀ.

    The square of [[A, B], [0, C]] is [[A Aᵀ + B Bᵀ, B Cᵀ], [., C Cᵀ]].
    """
    if len(upper) <= WHOLE:
        _call(_slauum, b"L", len(upper), upper, ctypes.c_int(0))
        return
    first, corner, second = _halves(upper)
    square_triangle(first)
    rows, columns = corner.shape
    _call(_ssyrk, b"L", b"T", rows, columns, 1.0, corner, 1.0, first)
    _call(_strmm, b"L", b"L", b"T", b"N", columns, rows, 1.0, second, corner)
    square_triangle(second)


def _halves(upper: Floats) -> tuple[Floats, Floats, Floats]:
    """The first triangle, the block beside it, and the second triangle."""
    half = -(-len(upper) // (2 * EVEN)) * EVEN
    return upper[:half, :half], upper[:half, half:], upper[half:, half:]


def _call(routine: Callable[..., None], *arguments: bytes | int | float | Floats | ctypes.c_int) -> None:
    """Call by reference; an array is its address and how many numbers lie between the beginnings of its rows."""
    given: list[object] = []
    for one in arguments:
        match one:
            case np.ndarray():
                given += [one.ctypes.data, ctypes.byref(ctypes.c_int(one.strides[0] // one.itemsize))]
            case bytes():
                given.append(ctypes.byref(ctypes.c_char(one)))
            case float():
                given.append(ctypes.byref(ctypes.c_float(one)))
            case int():
                given.append(ctypes.byref(ctypes.c_int(one)))
            case _:
                given.append(ctypes.byref(one))
    routine(*given)
