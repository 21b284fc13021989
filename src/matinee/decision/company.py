"""Company: who else watches, and what each of them did; a decision for several looks at all their histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matinee.history import Histories
from matinee.maths.arrays import Int64s, UInt64s
from matinee.maths.ragged import Ragged, gather, owners_of


@dataclass(frozen=True, repr=False)
class Company:
    """Who watches with each member of a batch.

    people     (batch) lists of rows of `People`
    histories  (watchers) of all of them, one list after the other, as of the request's time
    arrived    (watchers,) as in `Requests`; None where no log is
    logged_digests  (watchers,) of the histories that decisions of a log saw, while these are left empty
    """

    people: Ragged
    histories: Histories
    arrived: Int64s | None = None
    logged_digests: UInt64s | None = None

    def __post_init__(self) -> None:
        watchers = len(self.people.values)
        for name in ("histories", "arrived", "logged_digests"):
            value = getattr(self, name)
            assert value is None or len(value) == watchers, f"{name} has length {len(value)}, {watchers} watch"

    def __len__(self) -> int:
        return len(self.people)

    def __repr__(self) -> str:
        return f"Company({len(self):,} requests, {len(self.people.values):,} more watch)"

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]], histories: Histories | None = None) -> Self:
        """Company of these rows of `People`; who have done nothing where `histories` is left out."""
        people = Ragged.of(lists)
        return cls(people, Histories.empty(len(people.values)) if histories is None else histories)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """That of all parts, one part after the other; at least one part. What only some of them know stays unknown."""
        some = [one for one in parts if len(one.histories)] or parts[:1]

        def column(name: str) -> NDArray[Any] | None:
            found = [getattr(one, name) for one in some]
            return None if any(one is None for one in found) else np.concatenate(found)

        histories = Histories.joined([one.histories for one in some])
        people = Ragged.joined([one.people for one in parts])
        return cls(people, histories, column("arrived"), column("logged_digests"))

    @cached_property
    def requests(self) -> Int64s:
        """(watchers,) the request of each."""
        return owners_of(self.people.offsets)

    @cached_property
    def digests(self) -> UInt64s:
        """(watchers,) 64 bits of all that each did, see `Histories.digests`."""
        return self.histories.digests() if self.logged_digests is None else self.logged_digests

    def of_request(self, b: int) -> range:
        """The places of those who watch with member `b`."""
        return range(int(self.people.offsets[b]), int(self.people.offsets[b + 1]))

    def take(self, rows: Int64s) -> Company:
        """The company of these batch rows, in this order."""
        offsets, at = gather(self.people.offsets, rows)
        return Company(
            Ragged(offsets, self.people.values[at]),
            self.histories.take(at),
            None if self.arrived is None else self.arrived[at],
            None if self.logged_digests is None else self.logged_digests[at],
        )
