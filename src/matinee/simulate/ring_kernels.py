"""Compiled loops over the latest events of members."""

from __future__ import annotations

import numba

from matinee.events import Kind
from matinee.maths.arrays import Floats, Int8s, Int32s, Int64s

PLAY, RATING = int(Kind.PLAY), int(Kind.RATING)


@numba.njit(cache=True, nogil=True)
def unrolled(
    members: Int32s,
    done: Int32s,
    ring_items: Int32s,
    ring_kinds: Int8s,
    ring_values: Floats,
    ring_times: Int64s,
    offsets: Int64s,
    items: Int32s,
    kinds: Int8s,
    values: Floats,
    times: Int64s,
) -> None:
    """Write the events that the ring holds of each member, oldest first, from `offsets[b]` on."""
    columns = ring_items.shape[1]
    for b in range(len(members)):
        m, n = members[b], offsets[b + 1] - offsets[b]
        first = done[m] - n
        for k in range(n):
            column, at = (first + k) % columns, offsets[b] + k
            items[at], kinds[at] = ring_items[m, column], ring_kinds[m, column]
            values[at], times[at] = ring_values[m, column], ring_times[m, column]


@numba.njit(cache=True, nogil=True)
def watched_lately(ring_items: Int32s, ring_kinds: Int8s, member: int, item: int) -> bool:
    """Whether the member played or rated the title among the latest events."""
    for column in range(ring_items.shape[1]):
        if ring_items[member, column] == item and ring_kinds[member, column] in (PLAY, RATING):
            return True
    return False
