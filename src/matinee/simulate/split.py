"""An experiment in a world: accounts in arms, a policy an arm that learns from its own, and what each account did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from matinee.data.log.log import EventLog
from matinee.decision import Cells, Learns, Policy, Progress, Requests, as_one, no_progress
from matinee.events import DAY, PLAYED
from matinee.experiment.allocate import NO_ARM, cells
from matinee.experiment.definition import Experiment
from matinee.experiment.own_cell import OwnCell
from matinee.experiment.panel import BEFORE_DAYS, Panel
from matinee.maths.arrays import Doubles, Floats, Int8s, Int32s, Int64s
from matinee.simulate.answers import Answers, Found, by_decision
from matinee.simulate.loop import Ask, chance, named, write
from matinee.simulate.world import AT_ONCE, World

LATER = np.iinfo(np.int64).max


def split(
    world: World,
    experiment: Experiment,
    policies: Sequence[Policy],
    days: int,
    metric: str = "played",
    ask: Ask = World.requests,
    log: EventLog | None = None,
    at_once: int = AT_ONCE,
    progress: Progress = no_progress,
) -> Panel:
    """Let the policies play in the arms of an experiment (in their order) for `days` of one world; its panel.

    Whoever is in no arm, and everybody before the start, meets the first policy. A policy that learns does so once a
    day, from its own cell. `metric`: "played" or "enjoyed", counted as `experiment.panel.panel_of` does from a log.
    The experiment starts at the beginning of a day of the world.
    """
    assert len(policies) == len(experiment.arms), "a policy for each arm"
    first = (experiment.start - world.config.start) // DAY
    assert experiment.start == world.config.start + first * DAY, "the experiment starts within a day"
    own = cells([experiment], world.members.people.account_ids)
    book = _Book(len(world.members), experiment.start, first, metric)
    for day in range(days):
        progress(f"day {day + 1} of {days}", day / days)
        answered: list[list[Answers]] = [[] for _ in policies]
        for lived in _live_day(world, policies, day, own if day >= first else None, ask, at_once):
            book.count(lived)
            for arm, answers in lived.parts:
                answered[arm].append(answers)
            if log is not None:
                write(log, world, lived.found, *(answers for _, answers in lived.parts))
        for arm, policy in enumerate(policies):
            _teach(policy, experiment, arm, answered[arm])
        book.close(day)
    return book.panel(own.arms[:, 0], days)


class _Lived(NamedTuple):
    """A batch of a day: what began elsewhere, and each arm's answers."""

    found: Found
    parts: list[tuple[int, Answers]]


def _live_day(
    world: World, policies: Sequence[Policy], day: int, own: Cells | None, ask: Ask, at_once: int
) -> Iterator[_Lived]:
    """A day, as `loop.live_day`, each arm decided by its policy."""
    decided = [0] * len(policies)
    for visits in world.day(day, at_once):
        found = world.find(visits.elsewhere)
        requests = ask(world, visits.at_home)
        if own is not None:
            requests = replace(requests, cells=own.take(requests.members.astype(np.int64)))
        arms = np.maximum(_arms(requests), 0)
        parts = []
        for arm in np.unique(arms).tolist():
            rows = np.flatnonzero(arms == arm)
            rng = chance(world.seed, day, decided[arm], arm)
            parts.append((arm, world.answer(named(policies[arm].decide(requests.take(rows), rng), world))))
            decided[arm] += len(rows)
        yield _Lived(found, parts)
        world.live(found)
        for _, answers in parts:
            world.live(answers)


def _arms(requests: Requests) -> Int8s:
    return np.full(len(requests), NO_ARM, np.int8) if requests.cells is None else requests.cells.arms[:, 0]


def _teach(policy: Policy, experiment: Experiment, arm: int, answered: list[Answers]) -> None:
    if not isinstance(policy, Learns) or not answered:
        return
    whole = as_one([one.decisions for one in answered])
    own = OwnCell.of(experiment, arm, whole, np.concatenate([one.rewards for one in answered]))
    if len(own.decisions):
        own.teach(policy)


class _Book:
    """Who entered when, and what each did on which day."""

    def __init__(self, members: int, start: int, first: int, metric: str) -> None:
        assert metric in ("played", "enjoyed"), metric
        self._start, self._first, self._metric = start, first, metric
        self._entered = np.full(members, LATER)  # the time of the first decision in an arm
        self._before = np.zeros(members)
        self._lines: list[tuple[Int32s, Int32s, Doubles]] = []
        self._day: list[tuple[Int32s, Int64s, Doubles]] = []

    def count(self, lived: _Lived) -> None:
        """Count a batch."""
        found = lived.found
        self._day.append((found.visits.members, found.visits.times, self._worth(found.shares, found.liked)))
        for _, answers in lived.parts:
            requests = answers.decisions.requests
            values = by_decision(answers.decisions, self._worth(answers.shares, answers.liked))
            self._day.append((requests.members, requests.times, values))
            in_arm = _arms(requests) != NO_ARM
            np.minimum.at(self._entered, requests.members[in_arm], requests.times[in_arm])

    def close(self, day: int) -> None:
        """End a day: of what was done on it, what counts."""
        members, times, values = (np.concatenate(column) for column in zip(*self._day, strict=True))
        self._day = []
        if day < self._first:
            if day >= self._first - BEFORE_DAYS:
                np.add.at(self._before, members, values)
            return
        kept = (times >= self._entered[members]) & (values > 0)
        summed = np.bincount(members[kept], values[kept], len(self._before)).astype(np.float64)
        who = np.flatnonzero(summed).astype(np.int32)
        self._lines.append((who, np.full(len(who), day - self._first, np.int32), summed[who]))

    def panel(self, arms: Int8s, days: int) -> Panel:
        """Of the members who entered, as accounts."""
        there = self._entered < LATER
        start = np.cumsum(there) - 1  # the account of each member
        lines = self._lines or [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))]
        who, day, values = (np.concatenate(column) for column in zip(*lines, strict=True))
        return Panel(
            arms[there],
            ((self._entered[there] - self._start) // DAY).astype(np.int32),
            self._before[there],
            start[who].astype(np.int32),
            day,
            values,
            max(0, days - self._first),
            {},
        )

    def _worth(self, shares: Floats, liked: Int8s) -> Doubles:
        if self._metric == "played":
            return (shares >= PLAYED).astype(np.float64)
        return shares.astype(np.float64) + (liked > 0)
