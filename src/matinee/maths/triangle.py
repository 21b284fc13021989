"""The inverse of a triangular matrix in place, by halves: most of the work is large products, which run fastest."""

from __future__ import annotations

import ctypes

from numba.extending import get_cython_function_address
from scipy.linalg import lapack

from matinee.maths.arrays import Floats

LEAF = 256  # side of the triangles that LAPACK inverts
EVEN = 64  # halves are multiples of this, so that rows start on whole cache lines

_strmm = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 11)(
    get_cython_function_address("scipy.linalg.cython_blas", "strmm")
)


def invert_triangle(upper: Floats) -> None:
    """Overwrite the upper triangle U of a C-ordered float32 matrix with that of U⁻¹; below it nothing is touched.

    The inverse of [[A, B], [0, C]] is [[A⁻¹, -A⁻¹ B C⁻¹], [0, C⁻¹]]. U must have no zero on its diagonal. Rows may lie
    further apart than they are long, so that a part of a matrix is inverted where it lies.
    """
    n = len(upper)
    if n <= LEAF:
        upper[:] = lapack.strtri(upper.T, lower=1)[0].T
        return
    half = -(-n // (2 * EVEN)) * EVEN
    first, corner, second = upper[:half, :half], upper[:half, half:], upper[half:, half:]
    invert_triangle(first)
    invert_triangle(second)
    _multiply(b"R", first, corner, -1.0)
    _multiply(b"L", second, corner, 1.0)


def _multiply(side: bytes, triangle: Floats, block: Floats, factor: float) -> None:
    """Set block = factor * triangle @ block ("R") or factor * block @ triangle ("L") by BLAS, in place.

    BLAS reads columns first, so it sees every matrix transposed: upper is lower and left is right. It is called
    by address because scipy's wrapper copies what does not lie in one piece.
    """
    rows, columns = block.shape
    _strmm(
        *(ctypes.byref(ctypes.c_char(letter)) for letter in (side, b"L", b"N", b"N")),
        ctypes.byref(ctypes.c_int(columns)),
        ctypes.byref(ctypes.c_int(rows)),
        ctypes.byref(ctypes.c_float(factor)),
        triangle.ctypes.data,
        ctypes.byref(ctypes.c_int(triangle.strides[0] // triangle.itemsize)),
        block.ctypes.data,
        ctypes.byref(ctypes.c_int(block.strides[0] // block.itemsize)),
    )
