"""Visits: an inhomogeneous Poisson process a member, by hour and weekday, whose rate follows satisfaction.

On day d member m visits N times, N ~ Poisson(rate_m * weight(weekday) * e^(elasticity * (satisfaction_m - 1/2))), and
each visit falls on an hour as often as the weekday says. Satisfaction counts as it was when the day began.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from matinee.maths.arrays import Doubles, Flags, Int8s, Int32s, Int64s


class Source(IntEnum):
    """Where a visit begins."""

    HOME = 0  # at a page, so at a decision
    SEARCH = 1
    LINK = 2


SOURCE_NAMES = tuple(one.name.lower() for one in Source)


@dataclass(frozen=True)
class Visits:
    """Visits of different members (batch,): who, when (microseconds since 1970, UTC), where each begins, its device."""

    members: Int32s
    times: Int64s
    sources: Int8s
    devices: Int8s

    def __len__(self) -> int:
        return len(self.members)

    def of(self, which: Flags) -> Visits:
        """The visits that `which` (batch,) marks."""
        return Visits(self.members[which], self.times[which], self.sources[which], self.devices[which])

    @property
    def at_home(self) -> Visits:
        """Those that want a decision."""
        return self.of(self.sources == Source.HOME)

    @property
    def elsewhere(self) -> Visits:
        """Those that find a title without one."""
        return self.of(self.sources != Source.HOME)


@dataclass(frozen=True)
class Rhythm:
    """When people visit: `shares` (7, 24) of all visits of a week by weekday (0 = Monday) and hour, UTC."""

    shares: Doubles

    def __post_init__(self) -> None:
        assert self.shares.shape == (7, 24)
        assert np.isclose(self.shares.sum(), 1.0)

    def weight(self, weekday: int) -> float:
        """How many visits this weekday has where the average day has one."""
        return float(7 * self.shares[weekday].sum())

    def running(self, weekday: int) -> Doubles:
        """(24,) the share of the weekday's visits up to the end of each hour."""
        sums = np.cumsum(self.shares[weekday])
        return np.asarray(sums / sums[-1])

    @classmethod
    def usual(cls) -> Rhythm:
        """Most in the evening, some at noon, half as many again at weekends."""
        hours = 0.15 + np.exp(-(((np.arange(24) - 20.5) / 2.5) ** 2)) + 0.3 * np.exp(-(((np.arange(24) - 13) / 2) ** 2))
        days = np.array([1.0, 1.0, 1.0, 1.0, 1.2, 1.5, 1.5])
        week = days[:, None] * hours
        return cls(week / week.sum())
