"""Live member state: histories in memory, extended as events are acknowledged, so that a play counts at once."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import numpy as np

from matinee.events import CLEARS, KIND_NAMES
from matinee.history import Histories
from matinee.profile import Profile

KIND_NUMBER = {name: number for number, name in enumerate(KIND_NAMES)}
CLEARING = frozenset(KIND_NUMBER[name] for name in CLEARS)


@dataclass(frozen=True, slots=True)
class Member:
    """A profile and everything they did with titles: a batch of one, oldest first.

    `arrived`: the place in the log's order of arrival up to which their events are in it.
    """

    profile: Profile
    history: Histories
    arrived: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """One acknowledged event about a title, in the types of a history."""

    user_id: str
    item: int
    kind: int
    value: float
    time: int
    country: int = 0  # codes of `situation`
    device: int = 0
    arrived: int = 0
    episode: int = -1  # of what was done with an episode its index, while `item` is its series


@dataclass(eq=False)
class _Load:
    """A member being read. `keeps`: memory may hold what it finds; `again`: it may be old already, read once more."""

    keeps: bool
    again: bool = False


class Members:
    """At most `capacity` members in memory, the least recently asked for leave first.

    `load` reads members from the log, in their order; it runs in a thread. All other methods belong to the event loop.

    Two rules keep memory and log in step. A member who is being deleted lets nobody in until the deletion is done,
    and a deletion waits for those inside (`visiting`). A member loaded while one of their events was on its way to
    disk is not kept (`writing`), because nobody can tell whether the load saw that event. One who is forgotten while
    being loaded is loaded once more.
    """

    def __init__(self, load: Callable[[Sequence[str]], Sequence[Member]], capacity: int) -> None:
        self._load = load
        self._capacity = capacity
        self._kept: OrderedDict[str, Member] = OrderedDict()
        self._loads: dict[str, list[_Load]] = {}
        self._inside: Counter[str] = Counter()
        self._writing: Counter[str] = Counter()
        self._deleting: set[str] = set()
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, user_id: str) -> Member:
        """The member as known now; from memory, else from the log."""
        return (await self.get_all([user_id]))[user_id]

    async def get_all(self, user_ids: Collection[str]) -> dict[str, Member]:
        """The members as known now, by id; those who are not in memory are read from the log together."""
        found: dict[str, Member] = {}
        while missing := [one for one in user_ids if one not in found and one not in self._kept]:
            found |= await self._loaded(missing)
        for user_id in user_ids:
            if user_id not in found:
                found[user_id] = self._kept[user_id]
                self._kept.move_to_end(user_id)
        return found

    def extend(self, actions: Iterable[Action]) -> None:
        """Add acknowledged events to the members in memory; one who took something back is read anew."""
        by_member: dict[str, list[Action]] = {}
        for action in actions:
            if action.user_id in self._kept:
                by_member.setdefault(action.user_id, []).append(action)
        for user_id, theirs in by_member.items():
            if not CLEARING.isdisjoint(action.kind for action in theirs):
                self.forget(user_id)
                continue
            known = self._kept[user_id]
            arrived = max(known.arrived, *(action.arrived for action in theirs))
            self._kept[user_id] = replace(known, history=_extended(known.history, theirs), arrived=arrived)

    def forget(self, user_id: str) -> None:
        """Drop the member from memory; whoever asks, or waits for a load that has begun, reads the log again."""
        self._kept.pop(user_id, None)
        for load in self._loads.get(user_id, ()):
            load.keeps, load.again = False, True

    def forget_all(self) -> None:
        """Drop every member from memory."""
        for user_id in {*self._kept, *self._loads}:
            self.forget(user_id)

    @asynccontextmanager
    async def visiting(self, user_ids: Collection[str], writes: bool = False) -> AsyncIterator[None]:
        """Hold these members' deletion off while inside; wait first for one that is under way."""
        if not self._deleting.isdisjoint(user_ids):
            async with self._changed:
                await self._changed.wait_for(lambda: self._deleting.isdisjoint(user_ids))
        self._count(user_ids, 1, writes)
        try:
            yield
        finally:
            self._count(user_ids, -1, writes)
            if self._deleting:
                await self._tell()

    @asynccontextmanager
    async def deleting(self, user_id: str) -> AsyncIterator[None]:
        """Be alone with a member: nobody is inside and nobody enters; memory holds nothing of them afterwards."""
        async with self._changed:
            await self._changed.wait_for(lambda: user_id not in self._deleting)
            self._deleting.add(user_id)
            await self._changed.wait_for(lambda: user_id not in self._inside)
        try:
            yield
        finally:
            self.forget(user_id)
            self._deleting.discard(user_id)
            await self._tell()

    async def _loaded(self, user_ids: Sequence[str]) -> dict[str, Member]:
        """Those of these members, read from the log, whom nobody forgot meanwhile."""
        loads = {one: _Load(keeps=one not in self._writing) for one in dict.fromkeys(user_ids)}
        for user_id, load in loads.items():
            self._loads.setdefault(user_id, []).append(load)
        try:
            read = await asyncio.to_thread(self._load, list(loads))
        finally:
            for user_id, load in loads.items():
                self._ended(user_id, load)
        for member, (user_id, load) in zip(read, loads.items(), strict=True):
            if load.keeps and user_id not in self._kept:
                self._keep(user_id, member)
        return {user_id: member for member, (user_id, load) in zip(read, loads.items(), strict=True) if not load.again}

    def _keep(self, user_id: str, member: Member) -> None:
        self._kept[user_id] = member
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)

    def _ended(self, user_id: str, load: _Load) -> None:
        self._loads[user_id].remove(load)
        if not self._loads[user_id]:
            del self._loads[user_id]

    def _count(self, user_ids: Collection[str], step: int, writes: bool) -> None:
        for user_id in user_ids:
            _add(self._inside, user_id, step)
            if writes:
                for load in self._loads.get(user_id, ()):
                    load.keeps = False
                _add(self._writing, user_id, step)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _add(counts: Counter[str], key: str, step: int) -> None:
    counts[key] += step
    if not counts[key]:
        del counts[key]


def _extended(history: Histories, actions: list[Action]) -> Histories:
    """The history with more events, oldest first; events of one microsecond keep the order in which they came."""
    offsets = np.array([0, len(history.items) + len(actions)], np.int64)
    both = Histories(
        offsets,
        np.append(history.items, np.array([action.item for action in actions], np.int32)),
        np.append(history.kinds, np.array([action.kind for action in actions], np.int8)),
        np.append(history.values, np.array([action.value for action in actions], np.float32)),
        np.append(history.times, np.array([action.time for action in actions], np.int64)),
        np.append(history.countries, np.array([action.country for action in actions], np.int16)),
        np.append(history.devices, np.array([action.device for action in actions], np.int8)),
        np.append(history.episodes, np.array([action.episode for action in actions], np.int32)),
    )
    return both.select(offsets, np.argsort(both.times, kind="stable"))
