"""Operations on ragged arrays: flat values, grouped by offsets."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Flags, Int32s, Int64s


def last_of_each(offsets: Int64s, items: Int32s, counts: Flags) -> Flags:
    """Mark, in every group, the last position of each distinct item among the positions that `counts`.

    Shapes: `offsets` (groups + 1), `items` and `counts` (offsets[-1]); returns (offsets[-1]).
    Cost: one pass and one array of the largest item, whatever the number of groups.
    """
    assert items.shape == counts.shape == (offsets[-1],)
    last = np.zeros(len(items), np.bool_)
    if len(items):
        _last_of_each(offsets, items, counts, last)
    return last


@numba.njit(cache=True, nogil=True)
def _last_of_each(offsets: Int64s, items: Int32s, counts: Flags, last: Flags) -> None:
    seen = np.full(items.max() + 1, -1, np.int64)
    for group in range(len(offsets) - 1):
        for at in range(offsets[group + 1] - 1, offsets[group] - 1, -1):
            if counts[at] and seen[items[at]] != group:
                seen[items[at]] = group
                last[at] = True
