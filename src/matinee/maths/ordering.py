"""Sorting kernels for scores of one request."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Flags, Floats, UInt32s

BITS, TURNS = 11, 3
BUCKETS = 1 << BITS


@numba.njit(cache=True, nogil=True)
def descending(values: Floats, keep: Flags, order: UInt32s) -> int:
    """Write the positions with `keep`, by falling non-negative value, into `order`; returns how many there are.

    Shapes: all (n,). Equal values stay in order of position. Radix sort on the float's inverted bits, which for
    non-negative numbers rise as the number falls, each beside its position: three passes of 11 bits, linear in n.
    """
    bits = values.view(np.uint32)
    source, target = np.empty(len(values), np.uint64), np.empty(len(values), np.uint64)
    counts = np.zeros((TURNS, BUCKETS), np.int32)
    size = 0
    for at in range(len(values)):
        source[size] = np.uint64(~bits[at]) << np.uint64(32) | np.uint64(at)
        size += keep[at]
    for key in source[:size]:
        for turn in range(TURNS):
            counts[turn, (key >> np.uint64(32 + turn * BITS)) & np.uint64(BUCKETS - 1)] += 1
    for turn in range(TURNS):
        starts, shift = np.cumsum(counts[turn]) - counts[turn], np.uint64(32 + turn * BITS)
        for key in source[:size]:
            bucket = (key >> shift) & np.uint64(BUCKETS - 1)
            target[starts[bucket]] = key
            starts[bucket] += 1
        source, target = target, source
    for at in range(size):
        order[at] = source[at] & np.uint64(0xFFFFFFFF)
    return size
