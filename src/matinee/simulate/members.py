"""Members: their tastes, how often they visit, how satisfied they are, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from matinee.decision import People
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Floats, Int8s, Int16s, Int32s, Int64s
from matinee.maths.ragged import offsets_of, owners_of
from matinee.profile import Profile
from matinee.simulate.config import WorldConfig
from matinee.simulate.ring_kernels import unrolled
from matinee.situation import DEVICES

STAYS = -1
SIMULATED = "sim-"  # begins the ids of members and accounts
NEUTRAL = 0.5  # the satisfaction at the start, at which a member visits as often as `rates` says
SCREENS = (0.35, 0.25, 0.05, 0.25, 0.05, 0.05)  # share of members whose usual screen is each of `situation.DEVICES`


@dataclass
class Members:
    """The state of all members, changed in place as the world goes on: 119 bytes each and 17 for each event kept.

    tastes        (people, factors) float32  the members first, then the second people of shared profiles
    partners      (members,) int32           row of the second person in `tastes`, -1 where there is none
    rates         (members,) float32         visits a day at satisfaction 1/2
    screens       (members,) int8            usual device, a code of `situation`
    satisfaction  (members,) float32         0..1
    left          (members,) int16           day of the cancellation, `STAYS` until then
    ring          the latest events of each, see `Ring`
    """

    tastes: Floats
    partners: Int32s
    rates: Floats
    screens: Int8s
    satisfaction: Floats
    left: Int16s
    ring: Ring
    people: People

    def __len__(self) -> int:
        return len(self.rates)

    @classmethod
    def of(cls, tastes: Floats, activity: Doubles, config: WorldConfig, rng: np.random.Generator) -> Self:
        """Members of these tastes (members, factors), whose share of all visits is as `activity` (members,) says.

        Second people get the taste of a member drawn by chance.
        """
        n = len(tastes)
        partners = np.full(n, -1, np.int32)
        sharing = np.flatnonzero(rng.random(n) < config.shared)
        partners[sharing] = n + np.arange(len(sharing), dtype=np.int32)
        return cls(
            np.concatenate([tastes, tastes[rng.integers(n, size=len(sharing))]]),
            partners,
            (config.visits * activity / activity.mean()).astype(np.float32),
            (1 + rng.choice(len(DEVICES), n, p=SCREENS)).astype(np.int8),
            np.full(n, NEUTRAL, np.float32),
            np.full(n, STAYS, np.int16),
            Ring.empty(n, config.remembered),
            people_of(n),
        )

    @property
    def staying(self) -> int:
        """How many have not cancelled."""
        return int(np.count_nonzero(self.left == STAYS))


@dataclass
class Ring:
    """The latest events of each member: event k of all that were ever done stands in column k modulo the columns.

    done (members,) int32, how many were ever done; items, kinds (`events.Kind`), values, times: (members, columns).
    """

    done: Int32s
    items: Int32s
    kinds: Int8s
    values: Floats
    times: Int64s

    @classmethod
    def empty(cls, members: int, columns: int) -> Self:
        """Nobody has done anything."""
        shape = members, columns
        return cls(
            np.zeros(members, np.int32),
            np.full(shape, -1, np.int32),
            np.zeros(shape, np.int8),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.int64),
        )

    def histories(self, members: Int32s) -> Histories:
        """What is known of these members (batch,), oldest first."""
        offsets = offsets_of(np.minimum(self.done[members], self.items.shape[1]))
        n = int(offsets[-1])
        items, kinds = np.empty(n, np.int32), np.empty(n, np.int8)
        values, times = np.empty(n, np.float32), np.empty(n, np.int64)
        unrolled(
            members, self.done, self.items, self.kinds, self.values, self.times, offsets, items, kinds, values, times
        )
        return Histories(offsets, items, kinds, values, times)

    def forget(self) -> None:
        """Let nothing be known of anybody."""
        self.done[:] = 0
        self.items[:] = -1

    def remember(self, histories: Histories) -> None:
        """Begin with the latest events of these histories (members)."""
        columns = self.items.shape[1]
        member = owners_of(histories.offsets)
        place = np.arange(len(member)) - histories.offsets[member]
        kept = place >= np.diff(histories.offsets)[member] - columns
        at = member[kept], place[kept] % columns
        for name in ("items", "kinds", "values", "times"):
            getattr(self, name)[at] = getattr(histories, name)[kept]
        self.done[:] = np.diff(histories.offsets)


def people_of(members: int, prefix: str = SIMULATED) -> People:
    """Members "sim-0", "sim-1", ... each with an account of their own and a plain profile."""
    numbers = pl.Series(np.arange(members)).cast(pl.String)
    rules = np.zeros(members, np.int32)
    return People(prefix + numbers, prefix + numbers, rules, (Profile("").nameless(),))
