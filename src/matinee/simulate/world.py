"""THE WORLD: visits -> Requests -> (a policy) -> Decisions -> answers -> a changed world. Read `World` first.

    for visits in world.day(d):
        world.live(world.find(visits.elsewhere))
        decisions = policy.decide(world.requests(visits.at_home), rng)
        world.live(world.answer(decisions))

All chance is a hash of the seed, the member, the moment and what it is for (`maths.counters`): the same seed gives the
same bytes whatever the size of batches and the number of threads, and two policies in worlds of one seed meet the same
luck as long as their members live alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from matinee.catalog import Catalog
from matinee.clock import local_clock
from matinee.data.dataset import Dataset
from matinee.decision import Decisions, Enumerates, Layer, Requests, Situations
from matinee.errors import BadData
from matinee.events import DAY
from matinee.maths.arrays import Doubles, Floats, Int16s, Int32s, Int64s, UInt64s
from matinee.maths.cores import usable_cores
from matinee.maths.ragged import Ragged
from matinee.maths.sparse_dense import in_chunks
from matinee.simulate import answer_kernels as kernels
from matinee.simulate import visit_kernels
from matinee.simulate.answers import Answers, Found
from matinee.simulate.config import WorldConfig
from matinee.simulate.fitting import parts_of
from matinee.simulate.members import Members
from matinee.simulate.moods import mood_slots, moods_of
from matinee.simulate.titles import Titles, changing
from matinee.simulate.visits import Rhythm, Visits

AT_ONCE = 100_000  # visits of a batch
PIECE = 4_096  # rows that a thread takes at a time
ZONE = "UTC"  # everybody's clock
PAGE = "home"
RING = ("done", "items", "kinds", "values", "times")


@dataclass
class World:
    """A service's members, titles and their truth. It changes in place as its members live.

    Any `Policy` plays in it: it is asked with `Requests`, whose members are rows of this world's `members`. Memory is
    linear in members: 119 bytes each, 17 for each remembered event, 64 more for the second person of a shared profile,
    and some 60 for ids: half a gigabyte a million by default. `moods` (moods, titles) is what part of day, weekend and
    screen add to appeal. `threads` None = one a usable core.
    """

    catalog: Catalog
    titles: Titles
    members: Members
    config: WorldConfig
    rhythm: Rhythm
    moods: Floats
    seed: int
    threads: int | None = None

    @classmethod
    def drawn(
        cls, members: int, catalog: Catalog, config: WorldConfig = WorldConfig(), seed: int = 0, **fields: Any
    ) -> Self:
        """A world out of nothing: tastes, activity and truth of titles drawn by `seed`."""
        rng = np.random.default_rng(seed)
        catalog = changing(catalog, config, rng)
        titles = Titles.drawn(catalog, config, rng)
        factors = titles.vectors.shape[1]
        tastes = rng.standard_normal((members, factors)).astype(np.float32)
        vectors = titles.vectors / np.float32(np.sqrt(factors))
        moods = moods_of(vectors, config, rng)
        folk = Members.of(tastes, rng.lognormal(0.0, 0.8, members), config, rng)
        return cls(catalog, replace(titles, vectors=vectors), folk, config, Rhythm.usual(), moods, seed, **fields)

    @classmethod
    def from_data(
        cls, dataset: Dataset, members: int | None = None, config: WorldConfig = WorldConfig(), seed: int = 0
    ) -> Self:
        """A world after a data set: `members` (None: as many as it has) made after its members, in turn.

        Each title's chance of a play is its popularity, its worth its mean rating or share watched; tastes are a
        correspondence analysis of likes, as strong as gives members their concentration on genres; activity and hours
        are those of events. Members begin with the latest events of those they are made after. `marginals` tells how
        near it came. Raises `BadData` where the data set is too small to tell tastes.
        """
        return cls(*parts_of(dataset, members, config, seed), seed)

    def day(self, day: int, at_once: int = AT_ONCE) -> Iterator[Visits]:
        """The visits of a day, at most `at_once` at a time: first each member's first, then the second ones, ...

        A batch holds a member once at most, so that a member's second visit knows the first when it was lived. Members
        who have had enough leave when the day begins.
        """
        counts, weekday = self._begin(day), self._weekday(day)
        hours = self.rhythm.running(weekday)
        for turn in range(int(counts.max(initial=0))):
            members = np.flatnonzero(counts > turn).astype(np.int32)
            for first in range(0, len(members), at_once):
                yield self._visits(members[first : first + at_once], counts, turn, day, hours)

    def requests(self, visits: Visits, surface: str = PAGE, **fields: Any) -> Requests:
        """What these visits ask a policy, with what is known of each member; `fields` as `Requests` has them."""
        return Requests(
            visits.times,
            visits.members,
            self.members.people,
            self.members.ring.histories(visits.members),
            _situations(visits),
            surface=surface,
            **fields,
        )

    def answer(self, decisions: Decisions) -> Answers:
        """What the members make of these decisions, as things stand; nothing changes until it is lived."""
        choices, requests = decisions.choices, decisions.requests
        given = kernels.nothing_given(len(choices.actions))
        truth, asked = self.asked(requests)
        places = choices.offsets, choices.layers, choices.rows, choices.columns, choices.actions
        looks = self.config.looks(requests.layout)
        self._spread(
            lambda a, b: kernels.answer(a, b, truth, asked, self._nature, *places, *looks, given), len(decisions)
        )
        return Answers(decisions, *given)

    def find(self, visits: Visits) -> Found:
        """What members find by themselves on visits that begin elsewhere: the open loop."""
        items, given = np.zeros(len(visits), np.int32), kernels.nothing_given(len(visits))
        days, day = _days(visits.times, self.config.start)
        truth, asked = self._truth(days), self._who(visits.members, visits.times, _situations(visits), day)
        sought = np.array([self._sought(int(one)) for one in days]).reshape(len(days), len(self.titles))
        self._spread(lambda a, b: kernels.seek(a, b, truth, asked, self._nature, sought, items, given), len(visits))
        return Found(visits, items, given.shares, given.liked, given.enjoyment)

    def live(self, done: Answers | Found) -> None:
        """Let members live what they did: they remember it, are more or less satisfied, and their taste moves on.

        No member may be in `done` twice; visits of a batch of `day` never are.
        """
        if isinstance(done, Found):
            n = len(done.visits)
            items, offsets, times = done.items, np.arange(n + 1), done.visits.times
            given = kernels.nothing_given(n)._replace(
                clicked=np.ones(n, np.bool_), shares=done.shares, liked=done.liked, enjoyment=done.enjoyment
            )
            asked = self._who(done.visits.members, times, _situations(done.visits), np.zeros(n, np.int32))
        else:
            choices, requests = done.decisions.choices, done.decisions.requests
            items, offsets, times = choices.actions, choices.offsets, requests.times
            given = kernels.Given(*(getattr(done, name) for name in kernels.Given._fields))
            asked = self._who(requests.members, times, requests.situations, np.zeros(len(times), np.int32))
        changed = kernels.Changing(
            self.members.tastes, self.members.satisfaction, *(getattr(self.members.ring, name) for name in RING)
        )
        how = self.config.memory, self.config.letdown, self.config.drift
        self._spread(lambda a, b: kernels.live(a, b, offsets, items, given, asked, times, *how, changed), len(times))

    def expected(self, decisions: Decisions) -> Doubles:
        """(lines,) the true expected reward of each title chosen, if looked at, as things stand; NaN for other choices.

        The reward is that of `Answers.rewards`.
        """
        choices = decisions.choices
        items = np.where(decisions.layer(Layer.TITLE), choices.actions, np.int32(-1))
        return self.expected_of(decisions.requests, Ragged(choices.offsets, items))

    def expected_of(self, requests: Requests, lists: Ragged) -> Doubles:
        """The true expected reward of the titles of a list a request, if looked at, along the lists; NaN for -1."""
        rewards = np.full(len(lists.values), np.nan)
        truth, asked = self.asked(requests)
        given = lists.offsets, lists.values, rewards
        self._spread(lambda a, b: kernels.expected(a, b, truth, asked, self._nature, *given), len(requests))
        return rewards

    def truth(self, policy: Enumerates, requests: Requests) -> Doubles:
        """(batch,) the true expected reward of one title drawn as this policy would, if looked at: enumerated."""
        offered = policy.probabilities(requests)
        rewards = offered.probs * self.expected_of(requests, offered.candidates)
        return offered.sums(rewards)

    def ids(self, members: Int32s, times: Int64s, purpose: int) -> UInt64s:
        """(batch, 2) 128 bits that tell visits, and purposes within them, apart."""
        ids = np.empty((len(members), 2), np.uint64)
        visit_kernels.ids_of(self._keys(members, times), np.uint64(purpose), ids)
        return ids

    def _begin(self, day: int) -> Int16s:
        """Let members leave, and how many visits each of the others makes on the day."""
        config, members = self.config, self.members
        counts = np.zeros(len(members), np.int16)
        weight = self.rhythm.weight(self._weekday(day))
        fixed = np.uint64(self.seed), day, weight, config.elasticity, config.cancelling, config.patience
        state = members.rates, members.satisfaction, members.left, counts
        self._spread(lambda a, b: visit_kernels.begin_day(a, b, *fixed, *state), len(members))
        return counts

    def _visits(self, members: Int32s, counts: Int16s, turn: int, day: int, hours: Doubles) -> Visits:
        n = len(members)
        times, sources, devices = np.zeros(n, np.int64), np.zeros(n, np.int8), np.zeros(n, np.int8)
        midnight = self.config.start + day * DAY
        visit_kernels.times_of(members, counts, turn, np.uint64(self.seed), day, midnight, hours, times)
        screens = self.members.screens[members]
        keys = self._keys(members, times)
        visit_kernels.visits_of(keys, screens, self.config.search, self.config.links, sources, devices)
        return Visits(members, times, sources, devices)

    def asked(self, requests: Requests) -> tuple[kernels.Truth, kernels.Asked]:
        """The truth as things stand, and who asks in which mood, as the kernels take them."""
        assert len(requests.people) == len(self.members), "these requests are of another world"
        days, day = _days(requests.times, self.config.start)
        return self._truth(days), self._who(requests.members, requests.times, requests.situations, day)

    def _truth(self, days: Int64s) -> kernels.Truth:
        appeals = np.array([self.titles.appeal_on(int(day), self.config) for day in days], np.float32)
        ring = self.members.ring
        return kernels.Truth(
            self.members.tastes,
            self.titles.vectors,
            self.moods,
            appeals.reshape(len(days), len(self.titles)),
            self.titles.worth,
            ring.items,
            ring.kinds,
        )

    def _who(self, members: Int32s, times: Int64s, situations: Situations, day: Int32s) -> kernels.Asked:
        keys, persons = self._keys(members, times), np.empty(len(members), np.int32)
        visit_kernels.persons_of(keys, members, situations.hour, self.members.partners, persons)
        return kernels.Asked(members, persons, mood_slots(situations), day, keys)

    def _keys(self, members: Int32s, times: Int64s) -> UInt64s:
        keys = np.empty(len(members), np.uint64)
        visit_kernels.keys_of(np.uint64(self.seed), members, times, keys)
        return keys

    def _sought(self, day: int) -> Doubles:
        """(titles,) running share of what people have in mind on a day: what may be shown, by its appeal."""
        start, end = self.catalog.available
        now = self.config.start + day * DAY
        shown = (start <= now) & (now < end)
        if not shown.any():
            raise BadData(f"no title may be shown on day {day}; give the catalogue titles that are available then")
        running = np.cumsum(np.where(shown, np.exp(self.titles.appeal_on(day, self.config).astype(np.float64)), 0.0))
        return np.asarray(running / running[-1])

    def _weekday(self, day: int) -> int:
        return int(local_clock(np.array([self.config.start + day * DAY]), ZONE)[1][0])

    def _spread(self, work: Callable[[int, int], None], rows: int) -> None:
        """Run `work(start, end)` over pieces of the rows on all threads; each row is its own, so no thread matters."""
        in_chunks(work, np.append(np.arange(0, rows, PIECE), rows), self._threads)

    @cached_property
    def _threads(self) -> int:
        return self.threads or usable_cores()

    @cached_property
    def _nature(self) -> kernels.Nature:
        return kernels.Nature(*(float(getattr(self.config, name)) for name in kernels.Nature._fields))


def _situations(visits: Visits) -> Situations:
    hours, weekdays = local_clock(visits.times, ZONE)
    nowhere = np.zeros(len(visits), np.int16)
    return Situations(nowhere, visits.devices, nowhere, hours.astype(np.int8), weekdays.astype(np.int8))


def _days(times: Int64s, start: int) -> tuple[Int64s, Int32s]:
    """The days that differ, and which of them each time falls on."""
    days, which = np.unique((times - start) // DAY, return_inverse=True)
    return days, which.astype(np.int32)
