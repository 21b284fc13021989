"""Reasons: the title of a history that adds most to the score of each title shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Told = Callable[[int, NDArray[np.int32]], tuple[NDArray[np.integer[Any]], NDArray[np.floating[Any]]]]


def top_reasons(items: NDArray[np.int32], known: NDArray[np.bool_], told: Told) -> NDArray[np.int32]:
    """(batch, k): of each request's history the title that adds most to each of `items`, -1 where none adds.

    `known` (batch, k): which items are asked about. `told(b, asked)` gives the titles of request b's history (seen,)
    and what each of them adds to the scores of those asked (asked, seen).
    """
    reasons = np.full(items.shape, -1, np.int32)
    for b in np.flatnonzero(known.any(axis=1)):
        seen, added = told(int(b), items[b, known[b]])
        if len(seen):
            reasons[b, known[b]] = np.where(added.max(axis=1) > 0, seen[added.argmax(axis=1)], -1)
    return reasons
