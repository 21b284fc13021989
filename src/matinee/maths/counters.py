"""Random numbers out of counters: a hash of a seed and of what is asked, so that no order and no thread can move them.

Salmon, Moraes, Dror, Shaw 2011 ("Parallel random numbers: as easy as 1, 2, 3") with the mixer of SplitMix64.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from matinee.maths.exponentials import exp, log
from matinee.maths.sampling import mix

TURN = 2.0 * math.pi


@numba.njit(cache=True, nogil=True)
def keyed(seed: np.uint64, purpose: int, one: int, other: int) -> np.uint64:
    """64 random bits that depend on the seed, the purpose and two numbers only."""
    return mix(mix(mix(seed, np.uint64(purpose)), np.uint64(one)), np.uint64(other))


@numba.njit(cache=True, nogil=True)
def uniform(bits: np.uint64) -> float:
    """A number in (0, 1) out of 64 bits: the middle of one of 2^53 equal parts."""
    return (float(np.int64(bits >> np.uint64(11))) + 0.5) / 9007199254740992.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def normals(bits: np.uint64) -> tuple[float, float]:
    """Two independent standard normal numbers out of 64 bits (Box and Muller 1958)."""
    first, second = uniform(mix(bits, np.uint64(0))), uniform(mix(bits, np.uint64(1)))
    length, angle = math.sqrt(-2.0 * log(first)), TURN * second
    return length * math.cos(angle), length * math.sin(angle)


@numba.njit(cache=True, nogil=True)
def poisson(mean: float, share: float) -> int:
    """The Poisson number at the quantile `share` in (0, 1): the larger the mean, the larger or equal the number.

    One uniform number a draw, so that two worlds that share it differ only where their means do. Mean at most 500.
    """
    count, term = 0, exp(-mean)
    below = term
    while below < share and term > 1e-300:
        count += 1
        term *= mean / count
        below += term
    return count
