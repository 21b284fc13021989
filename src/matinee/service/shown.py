"""What was shown, so that an event which answers to a decision is checked against it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Self

from matinee.decision import Decisions, Layer
from matinee.errors import NotFound
from matinee.maths.arrays import Int16s, Int32s
from matinee.maths.ragged import narrowed

Doubt = Literal["unknown", "another member's", "not shown there"]


@dataclass(frozen=True, slots=True)
class Shown:
    """Whom a decision was for ("" = nobody known), and the row, column and index of each title, (titles shown,)."""

    user_id: str
    rows: Int16s
    columns: Int16s
    items: Int32s

    @classmethod
    def of(cls, decisions: Decisions) -> list[Self]:
        """What each decision of a batch showed."""
        title, choices = decisions.layer(Layer.TITLE), decisions.choices
        rows, columns, items = choices.rows[title], choices.columns[title], choices.actions[title]
        offsets = narrowed(choices.offsets, title).tolist()
        owns = [slice(*ends) for ends in pairwise(offsets)]
        users = decisions.requests.user_ids.to_list()
        return [cls(user_id, rows[own], columns[own], items[own]) for user_id, own in zip(users, owns, strict=True)]

    def has(self, item: int, row: int | None, column: int | None) -> bool:
        """Whether the title stood there; a row or column that is left out may be any."""
        there = self.items == item
        if row is not None:
            there = there & (self.rows == row)
        if column is not None:
            there = there & (self.columns == column)
        return bool(there.any())


class ShownLately:
    """The latest `capacity` decisions in memory; others are read from the log, in a thread, by `load`."""

    def __init__(self, load: Callable[[str], Decisions], capacity: int) -> None:
        self._load = load
        self._capacity = capacity
        self._kept: OrderedDict[str, Shown] = OrderedDict()

    def add(self, decisions: Decisions) -> None:
        """Keep a batch."""
        self._kept.update(zip(decisions.ids, Shown.of(decisions), strict=True))
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)

    def forget(self, user_id: str) -> None:
        """Drop what a member was shown."""
        for decision_id in [one for one, shown in self._kept.items() if shown.user_id == user_id]:
            del self._kept[decision_id]

    async def find(self, decision_ids: Iterable[str]) -> dict[str, Shown | None]:
        """What each of these decisions showed; None where there is none of that id."""
        wanted = dict.fromkeys(decision_ids)
        found: dict[str, Shown | None] = {one: self._kept.get(one) for one in wanted}
        missing = [one for one, shown in found.items() if shown is None]
        if missing:
            found |= await asyncio.to_thread(lambda: {one: self._read(one) for one in missing})
        return found

    def _read(self, decision_id: str) -> Shown | None:
        try:
            return Shown.of(self._load(decision_id))[0]
        except NotFound:
            return None


def doubt(shown: Shown | None, user_id: str, item: int | None, row: int | None, column: int | None) -> Doubt | None:
    """Why an event of `user_id` about `item` at a place does not answer to a decision; None where it does.

    A decision for nobody known may be answered by whoever was given its id.
    """
    if shown is None:
        return "unknown"
    if shown.user_id not in ("", user_id):
        return "another member's"
    return None if item is None or shown.has(item, row, column) else "not shown there"
