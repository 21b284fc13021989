"""What could stand on a page of answers: rows by what they promise, each with its titles in falling order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from matinee.decision import RowName
from matinee.maths.arrays import Flags, Floats, Int32s


@dataclass(frozen=True)
class Shelf:
    """A row that is offered. `promise`: how likely this is what was meant, 0..1; `logits` (titles,) falling: the log
    of how likely each title is meant, up to a constant. `founder`: the title that speaks for its titles, -1 for none.
    """

    name: RowName
    promise: float
    items: Int32s
    logits: Floats
    founder: int = -1


def shelf_of(
    name: RowName,
    promise: float,
    items: Int32s,
    logits: Floats,
    most: int,
    promoted: Flags | None = None,
    founder: int = -1,
) -> Shelf:
    """A shelf of the `most` likeliest of these titles and of those `promoted` (titles,); the earlier of equally likely
    ones first.
    """
    order = np.argsort(-logits, kind="stable")
    if promoted is None:
        order = order[:most]
    else:
        order = order[(np.arange(len(order)) < most) | (np.cumsum(promoted[order]) <= most) & promoted[order]]
    return Shelf(name, promise, items[order], logits[order].astype(np.float32), founder)


def distinct(shelves: Iterable[Shelf]) -> list[Shelf]:
    """Those that hold titles, each name once: the first."""
    named: dict[RowName, Shelf] = {}
    for shelf in shelves:
        if len(shelf.items):
            named.setdefault(shelf.name, shelf)
    return list(named.values())
