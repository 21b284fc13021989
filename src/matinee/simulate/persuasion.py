"""Messages in a world: who comes because of one, who would have come anyway, and what too many
cost.

Members are of four kinds (Radcliffe and Simpson 2008). None is told to a policy; the more active
are more often sure things, the least active more often lost causes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple, Self

import numba
import numpy as np

from matinee.decision import Decisions, Requests
from matinee.decision.messages import SURFACE, sent_by, told_by
from matinee.events import DAY, Kind
from matinee.maths.arrays import Doubles, Flags, Int8s, Int32s, Int64s
from matinee.maths.counters import keyed, uniform
from matinee.page import ONE_TITLE
from matinee.profile import Profile
from matinee.simulate.answers import Found
from matinee.simulate.members import STAYS
from matinee.simulate.purposes import MESSAGE
from matinee.simulate.visits import Source, Visits
from matinee.simulate.world import World

ABOUT = np.int8(Kind.MESSAGE)
SOON = 60_000_000  # microseconds after a message at which those whom it moved begin to watch
WEEK = 7 * DAY
Decide = Callable[[Requests], Decisions]


class Nature(IntEnum):
    """What a message does to a member."""

    SURE = 0  # comes anyway
    LOST = 1  # comes neither way
    PERSUADABLE = 2  # comes because of it
    LEFT_ALONE = 3  # comes less because of it


@dataclass(frozen=True, slots=True)
class PersuasionConfig:
    """By `Nature`. `moves`: chance that a message about a title that is enjoyed wholly brings the
    member; half of it for one that is not at all. `opens`: that it is opened. `costs`: satisfaction
    that it takes, once more for each other message of the last week. `natures`: shares of the
    least, middling and most active thirds.
    """

    moves: tuple[float, ...] = (0.02, 0.01, 0.35, 0.0)
    opens: tuple[float, ...] = (0.7, 0.05, 0.4, 0.5)
    costs: tuple[float, ...] = (0.01, 0.01, 0.01, 0.08)
    natures: tuple[tuple[float, ...], ...] = ((0.0, 0.7, 0.2, 0.1), (0.15, 0.1, 0.6, 0.15), (0.8, 0.0, 0.1, 0.1))


class Delivered(NamedTuple):
    """What became of the sends of a batch, (sends,) each: to whom, whether opened, and whether it
    brought them.
    """

    members: Int32s
    opened: Flags
    moved: Flags


class Lived(NamedTuple):
    """A day with messages: what was decided, what became of it, and who played something,
    (members,).
    """

    day: int
    decisions: Decisions
    delivered: Delivered
    active: Flags


@dataclass(frozen=True)
class Persuasion:
    """How the members of a world take messages: `natures` (members,)."""

    natures: Int8s
    config: PersuasionConfig = PersuasionConfig()

    @classmethod
    def drawn(cls, world: World, config: PersuasionConfig = PersuasionConfig()) -> Self:
        """Natures drawn by the world's seed, after how active each member is."""
        rng = np.random.default_rng([world.seed, MESSAGE])
        rank = np.argsort(np.argsort(world.members.rates, kind="stable"), kind="stable")
        running = np.cumsum(np.array(config.natures), axis=1)[3 * rank // len(rank)]
        return cls((rng.random(len(rank))[:, None] > running[:, :-1]).sum(axis=1).astype(np.int8), config)

    def deliver(self, world: World, decisions: Decisions) -> Delivered:
        """Let members have their messages: some open them, some come and play the title, all
        remember.
        """
        requests, sent = decisions.requests, sent_by(decisions)
        items, _ = told_by(decisions)
        members, times = requests.members[sent], requests.times[sent]
        enjoyed = np.nan_to_num(world.expected(decisions))[decisions.choices.offsets[:-1][sent] + 1]
        nature = self.natures[members]
        luck = np.empty(len(sent))
        _luck(np.uint64(world.seed), members, times, luck)
        chance = np.array(self.config.moves)[nature] * (0.5 + 0.5 * enjoyed)
        moved, opened = luck < chance, luck < np.maximum(chance, np.array(self.config.opens)[nature])
        self._annoy(world, members, times, nature)
        _remember(world, members, items, times)
        came = Visits(members[moved], times[moved] + SOON, *_by_link(world, members[moved]))
        joy = enjoyed[moved].astype(np.float32)
        world.live(Found(came, items[moved], joy, np.zeros(len(joy), np.int8), joy))
        return Delivered(members, opened, moved)

    def _annoy(self, world: World, members: Int32s, times: Int64s, nature: Int8s) -> None:
        """Take goodwill, the more the more messages came in the week before."""
        ring = world.members.ring
        lately = (ring.kinds[members] == ABOUT) & (ring.times[members] > times[:, None] - WEEK)
        cost = np.array(self.config.costs)[nature] * (1 + lately.sum(axis=1))
        satisfied = world.members.satisfaction
        satisfied[members] = np.maximum(satisfied[members] - cost, 0.0).astype(np.float32)


def days_with_messages(world: World, persuasion: Persuasion, decide: Decide, days: Iterable[int]) -> Iterable[Lived]:
    """THE FLOW of days: messages in the morning, and whoever comes, because of them or not, finds
    something to play.

    Pages play no part. Members who left get no message.
    """
    people = replace(world.members.people, profiles=(Profile("", messages=True),))
    for day in days:
        active = np.zeros(len(world.members), np.bool_)
        decisions = decide(replace(_asking(world, day), people=people))
        delivered = persuasion.deliver(world, decisions)
        active[delivered.members[delivered.moved]] = True
        for visits in world.day(day):
            world.live(world.find(visits))
            active[visits.members] = True
        yield Lived(day, decisions, delivered, active)


def _asking(world: World, day: int) -> Requests:
    """A request for every member who has not left, at the beginning of the day."""
    members = np.flatnonzero(world.members.left == STAYS).astype(np.int32)
    times = np.full(len(members), world.config.start + day * DAY, np.int64)
    nowhere = Visits(members, times, np.zeros(len(members), np.int8), world.members.screens[members])
    return world.requests(nowhere, SURFACE, layout=ONE_TITLE)


def _by_link(world: World, members: Int32s) -> tuple[Int8s, Int8s]:
    return np.full(len(members), Source.LINK, np.int8), world.members.screens[members]


def _remember(world: World, members: Int32s, items: Int32s, times: Int64s) -> None:
    """Put the messages where the members' oldest events stand."""
    ring = world.members.ring
    at = members, ring.done[members] % ring.items.shape[1]
    ring.items[at], ring.kinds[at], ring.values[at], ring.times[at] = items, ABOUT, 0.0, times
    ring.done[members] += 1


@numba.njit(cache=True, nogil=True)
def _luck(seed: np.uint64, members: Int32s, times: Int64s, luck: Doubles) -> None:
    for b in range(len(members)):
        luck[b] = uniform(keyed(seed, MESSAGE, members[b], times[b]))
