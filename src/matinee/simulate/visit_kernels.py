"""Compiled loops of a day: who leaves, how often the others visit, when, who of two people, on what screen, and why."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Floats, Int8s, Int16s, Int32s, Int64s, UInt64s
from matinee.maths.counters import keyed, poisson, uniform
from matinee.maths.exponentials import exp
from matinee.maths.sampling import mix
from matinee.simulate.purposes import LEAVING, PERSON, SCREEN, SOURCE, TIMES, VISITS

EVENING = 18  # from this hour on the second person of a shared profile is the likelier one
BY_DAY, AT_NIGHT = 0.2, 0.8  # chance of the second person before and from then on
USUAL = 0.8  # chance of a member's usual screen
HOUR = 3_600_000_000  # microseconds


@numba.njit(cache=True, nogil=True)
def begin_day(
    start: int,
    end: int,
    seed: np.uint64,
    day: int,
    weight: float,
    elasticity: float,
    cancelling: float,
    patience: float,
    rates: Floats,
    satisfaction: Floats,
    left: Int16s,
    counts: Int16s,
) -> None:
    """Let members start..end leave, and write how many visits each of the others makes on the day."""
    for m in range(start, end):
        counts[m] = 0
        if 0 <= left[m] < day:
            continue
        mood = satisfaction[m] - 0.5
        if uniform(keyed(seed, LEAVING, m, day)) < cancelling * exp(-patience * mood):
            left[m] = day
            continue
        mean = min(rates[m] * weight * exp(elasticity * mood), 500.0)
        counts[m] = poisson(mean, uniform(keyed(seed, VISITS, m, day)))


@numba.njit(cache=True, nogil=True)
def times_of(
    members: Int32s, counts: Int16s, turn: int, seed: np.uint64, day: int, midnight: int, hours: Doubles, times: Int64s
) -> None:
    """Write the moment of the visit number `turn` (0 = the first of the day) of each of these members.

    Visits of a Poisson process on a day fall independently of each other, as often at each hour as `hours` (24,) says:
    its running sum, the last 1.
    """
    moments = np.empty(512, np.int64)
    for b in range(len(members)):
        n = counts[members[b]]
        for k in range(n):
            bits = keyed(seed, TIMES, members[b], day)
            share = uniform(mix(bits, np.uint64(k)))
            hour = min(int(np.searchsorted(hours, share, side="right")), 23)
            below = hours[hour - 1] if hour > 0 else 0.0
            moments[k] = midnight + hour * HOUR + np.int64((share - below) / (hours[hour] - below) * HOUR)
        moments[:n].sort()
        times[b] = moments[turn]


@numba.njit(cache=True, nogil=True)
def visits_of(keys: UInt64s, screens: Int8s, search: float, links: float, sources: Int8s, devices: Int8s) -> None:
    """Write where each visit begins (0 the page, 1 a search, 2 a link) and its device (a code of `situation`).

    `screens` (batch,): the usual device of each.
    """
    for b in range(len(keys)):
        share = uniform(mix(keys[b], np.uint64(SOURCE)))
        sources[b] = 1 if share < search else 2 if share < search + links else 0
        bits = mix(keys[b], np.uint64(SCREEN))
        devices[b] = screens[b] if uniform(bits) < USUAL else 1 + np.int8(mix(bits, np.uint64(0)) % np.uint64(6))


@numba.njit(cache=True, nogil=True)
def persons_of(keys: UInt64s, members: Int32s, hours: Int8s, partners: Int32s, persons: Int32s) -> None:
    """Write who visits: the row in `Members.tastes`."""
    for b in range(len(keys)):
        persons[b], second = members[b], partners[members[b]]
        chance = AT_NIGHT if hours[b] >= EVENING else BY_DAY
        if second >= 0 and uniform(mix(keys[b], np.uint64(PERSON))) < chance:
            persons[b] = second


@numba.njit(cache=True, nogil=True)
def keys_of(seed: np.uint64, members: Int32s, times: Int64s, keys: UInt64s) -> None:
    """Write 64 bits for each visit: by member and moment, whatever policy answers it."""
    for b in range(len(members)):
        keys[b] = keyed(seed, VISITS, members[b], times[b])


@numba.njit(cache=True, nogil=True)
def ids_of(keys: UInt64s, purpose: np.uint64, ids: UInt64s) -> None:
    """Write 128 bits for each visit and purpose."""
    for b in range(len(keys)):
        bits = mix(keys[b], purpose)
        ids[b, 0], ids[b, 1] = mix(bits, np.uint64(0)), mix(bits, np.uint64(1))


@numba.njit(cache=True, nogil=True)
def luck_of(keys: UInt64s, purpose: int, others: Int32s, luck: Doubles) -> None:
    """Write (batch,) numbers in (0, 1) that depend on each key, the purpose and another number each."""
    for b in range(len(keys)):
        luck[b] = uniform(mix(mix(keys[b], np.uint64(purpose)), np.uint64(others[b] + 1)))
