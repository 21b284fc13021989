"""The loop: policies play for days in worlds of one seed, learn once a day, and every day's numbers are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl

from matinee.data.log.log import EventLog
from matinee.decision import Decisions, Learns, Policy, Progress, Requests, as_one, digest, no_progress
from matinee.simulate.answers import Answers, Found
from matinee.simulate.purposes import WHO
from matinee.simulate.result import SimulationResult, result_of
from matinee.simulate.tally import SAMPLE, Tally
from matinee.simulate.visits import Visits
from matinee.simulate.world import AT_ONCE, World

Ask = Callable[[World, Visits], Requests]


class Lived(NamedTuple):
    """A batch of a day: the visits, what those found that began elsewhere, and what the others made of decisions."""

    visits: Visits
    found: Found
    answers: Answers


def live_day(
    world: World, policy: Policy, day: int, ask: Ask = World.requests, at_once: int = AT_ONCE
) -> Iterator[Lived]:
    """THE FLOW of a day, batch by batch: each is yielded as it was answered, and lived once the next is asked for.

    `ask` makes the requests of visits at home: with another surface, layout, or cells of an experiment. The policy's
    random bits are those of its place among the day's decisions, so that the size of batches moves nothing.
    """
    decided = 0
    for visits in world.day(day, at_once):
        found = world.find(visits.elsewhere)
        requests = ask(world, visits.at_home)
        decisions = named(policy.decide(requests, chance(world.seed, day, decided)), world)
        lived = Lived(visits, found, world.answer(decisions))
        decided += len(requests)
        yield lived
        world.live(found)
        world.live(lived.answers)


def learn(policy: Policy, day: list[Answers]) -> None:
    """Let a policy that learns learn from a day's answers, in one call whatever the batches."""
    if isinstance(policy, Learns) and day:
        whole = as_one([one.decisions for one in day])
        policy.learn(whole, np.concatenate([one.rewards for one in day]))


def simulate(
    make: Callable[[], World],
    policies: Mapping[str, Policy],
    days: int,
    ask: Ask = World.requests,
    log: EventLog | None = None,
    at_once: int = AT_ONCE,
    sample: int = SAMPLE,
    progress: Progress = no_progress,
    told: Callable[[Mapping[str, float | str | None]], None] = lambda row: None,
) -> SimulationResult:
    """Let each of `policies` play for `days` in a world of its own out of `make`, all of one seed.

    So every policy meets the same luck, and differences between policies are told apart by members, pair by pair.
    `told` hears each policy's every day, a row of `SimulationResult.days`. Regret is measured on some `sample`
    decisions a day. With `log`, decisions and events are written into it.
    """
    tallies = []
    for at, (name, policy) in enumerate(policies.items()):
        world = make()
        tally = Tally(name, world, sample)
        for day in range(days):
            progress(f"{name}, day {day + 1} of {days}", (at + day / days) / len(policies))
            told(_play(world, policy, day, ask, log, at_once, tally))
        tallies.append(tally)
    return result_of(tallies)


def _play(
    world: World, policy: Policy, day: int, ask: Ask, log: EventLog | None, at_once: int, tally: Tally
) -> Mapping[str, float | str | None]:
    """One day, counted, logged and learned from."""
    learns, answers = isinstance(policy, Learns), []
    for lived in live_day(world, policy, day, ask, at_once):
        tally.count(day, lived.visits, lived.found, lived.answers)
        if learns:
            answers.append(lived.answers)
        if log is not None:
            write(log, world, lived.found, lived.answers)
    learn(policy, answers)
    return tally.close(day)


def write(log: EventLog, world: World, found: Found, *answers: Answers) -> None:
    """Write a batch into a log: its decisions, and the events that answer them or began elsewhere."""
    for one in answers:
        log.decisions.append(one.decisions)
    answered = [one.events(world.catalog) for one in answers]
    log.import_events(pl.concat([*answered, found.events(world.catalog, world.members.people)]))


def chance(seed: int, day: int, place: int, *arm: int) -> np.random.Generator:
    """The random numbers of a day from this place on: one of 64 bits for each decision before it is passed over.

    Those of an `arm` of an experiment are its own.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, WHO, day, *arm])).advance(place))


def named(decisions: Decisions, world: World) -> Decisions:
    """The decisions with ids that tell member, moment and policy apart, whatever batch they were made in."""
    requests = decisions.requests
    policy = int(digest(decisions.makers[0].policy)[:15], 16)
    text = world.ids(requests.members, requests.times, policy).tobytes().hex()
    return replace(decisions, ids=tuple(text[at : at + 32] for at in range(0, 32 * len(decisions), 32)))
