"""Natural exponential and logarithm that compilers can run on many numbers at once: loops over them become vectors."""

from __future__ import annotations

import math

import numba
import numpy as np

LN_2 = math.log(2.0)
LEAST_EXPONENT = -700.0  # e to this is 1e-304: nothing, beside a sum that holds a 1
BITS_OF_ROOT_HALF, MANTISSA, BIAS = np.int64(0x3FE6A09E667F3BCD), np.int64(52), np.int64(1023)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def log(x: float) -> float:
    """The natural logarithm of a normal number x > 0, within 1e-15 of it (relative or absolute, whichever is more).

    x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s) with s = (m - 1) / (m + 1), by the polynomial of
    FreeBSD's msun (e_log.c).
    """
    bits = np.float64(x).view(np.int64)
    exponent = (bits - BITS_OF_ROOT_HALF) >> MANTISSA
    f = np.int64(bits - (exponent << MANTISSA)).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    tail = 0.2222219843214978396 + z * (0.1818357216161805012 + z * (0.1531383769920937332 + z * 0.1479819860511658591))
    series = z * (0.6666666666666735130 + z * (0.3999999999940941908 + z * (0.2857142874366239149 + z * tail)))
    return float(exponent) * LN_2 + s * (2.0 + series)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def exp(x: float) -> float:
    """e^x for x < 700, within 1e-12 of it relatively; x below `LEAST_EXPONENT` counts as that.

    x = k ln 2 + r with |r| <= ln(2) / 2; e^r by its Taylor series up to r^10, whose rest is below 3e-13.
    """
    x = max(x, LEAST_EXPONENT)
    k = math.floor(x / LN_2 + 0.5)
    r = x - k * LN_2
    tail = 1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * (1 / 40320 + r * (1 / 362880 + r / 3628800))))
    series = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * tail))))
    return series * np.int64((np.int64(k) + BIAS) << MANTISSA).view(np.float64)
