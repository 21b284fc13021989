"""What a fit costs, worked out from counts of the data before it starts: products, look-ups and bytes.

A family of models adds its own to `learned_by_all`, what every model learns beside: who is popular, and how fast that
ages. The factors in front were measured once, on MovieLens 100K and latest-small (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np

from matinee.events import DAY
from matinee.history import TrainingData
from matinee.maths.ragged import owners_of

HOUR = DAY // 24
FLOAT, DOUBLE = 4, 8  # bytes of a number
OF_A_LIKE = 280.0  # look-ups that a like costs any model


@dataclass(frozen=True, slots=True)
class Counts:
    """What of the data a fit's cost goes by: `members`, all `titles`, those `liked` by anybody, `likes`, `events` about
    titles, `pairs` of titles liked by one member (summed over members), and `moments`: hours in which a member liked
    something, each told apart from the other members'.
    """

    members: int
    titles: int
    liked: int
    likes: int
    events: int
    pairs: int
    moments: int

    @classmethod
    def of(cls, data: TrainingData) -> Self:
        """Counted in one pass over the histories."""
        tastes = data.histories.tastes
        hours = np.column_stack([owners_of(tastes.offsets), tastes.times // HOUR])
        return cls(
            members=len(tastes),
            titles=len(data.catalog),
            liked=len(np.unique(tastes.items)),
            likes=len(tastes.items),
            events=len(data.histories.items),
            pairs=int((tastes.lengths**2).sum()),
            moments=len(np.unique(hours, axis=0)),
        )


@dataclass(frozen=True, slots=True)
class Work:
    """`products`: multiplications in products of matrices of float32 (a double counts twice); `lookups`: numbers that
    are looked up one by one, as in a product of sparse matrices; `bytes` held at once.
    """

    products: float = 0.0
    lookups: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Work) -> Work:
        """One after the other."""
        held = max(self.bytes, other.bytes)
        return Work(self.products + other.products, self.lookups + other.lookups, held)


WorkOf: TypeAlias = Callable[[Counts], Work]


def learned_by_all(counts: Counts) -> Work:
    """The popularity of titles, in its contexts, and the half-life that it learns."""
    return Work(lookups=OF_A_LIKE * counts.likes, bytes=200.0 * counts.events)
