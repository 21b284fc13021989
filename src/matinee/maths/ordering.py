"""Sorting kernels for scores of one request."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Flags, Floats, Int32s

BITS = 11
BUCKETS = 1 << BITS


@numba.njit(cache=True, nogil=True)
def descending(values: Floats, keep: Flags, order: Int32s, scratch: Int32s) -> int:
    """Write the positions with `keep`, by falling non-negative value, into `order`; returns how many there are.

    Shapes: all (n,). Equal values stay in order of position. Radix sort on the float's bits, which for
    non-negative numbers rise with the number: three passes of 11 bits, linear in n.
    """
    size = 0
    for at in range(len(values)):
        if keep[at]:
            order[size] = at
            size += 1
    bits = values.view(np.uint32)
    source, target = order, scratch
    for turn in range(3):
        shift = np.uint32(turn * BITS)
        starts = np.zeros(BUCKETS + 1, np.int64)
        for at in range(size):
            starts[BUCKETS - ((bits[source[at]] >> shift) & np.uint32(BUCKETS - 1))] += 1
        for bucket in range(BUCKETS):
            starts[bucket + 1] += starts[bucket]
        for at in range(size):
            bucket = BUCKETS - 1 - ((bits[source[at]] >> shift) & np.uint32(BUCKETS - 1))
            target[starts[bucket]] = source[at]
            starts[bucket] += 1
        source, target = target, source
    order[:size] = source[:size]
    return size
