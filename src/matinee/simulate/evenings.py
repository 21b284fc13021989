"""Evenings in a world: the same people watch together, night after night, what a policy puts first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.decision import Company, Policy, Requests, Situations
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.maths.ragged import Ragged
from matinee.page import ONE_TITLE
from matinee.simulate.world import World


def evenings(
    world: World, policy: Policy, groups: Int32s, nights: int, rng: np.random.Generator, surface: str = "together"
) -> Doubles:
    """(nights, groups, people) the true expected reward of the title that each group watched, to each of them.

    `groups` (groups, people) rows of the world's members, the first of whom asks. Whatever comes first is watched by
    all to the end, and is in all their histories the next night; the world itself does not change. Every group must
    have something to watch.
    """
    histories = world.members.ring.histories(groups.ravel())
    enjoyed = np.empty((nights, *groups.shape))
    for night in range(nights):
        times = np.full(groups.size, world.config.start + (night + 1) * DAY)
        each = _alone(world, groups.ravel(), histories, times, surface)
        decisions = policy.decide(_together(each, groups), rng)
        watched = np.repeat(decisions.page().items[:, 0, 0], groups.shape[1])
        lists = Ragged(np.arange(groups.size + 1), watched)
        enjoyed[night] = np.nan_to_num(world.expected_of(each, lists)).reshape(groups.shape)
        histories = _with_plays(histories, watched, times)
    return enjoyed


def _alone(world: World, members: Int32s, histories: Histories, times: Int64s, surface: str) -> Requests:
    """What each person would ask alone."""
    situations, people = Situations.unknown(len(members)), world.members.people
    return Requests(times, members, people, histories, situations, surface=surface, layout=ONE_TITLE)


def _together(each: Requests, groups: Int32s) -> Requests:
    """The requests of the groups: the first of each asks, the others watch along."""
    people = groups.shape[1]
    at = np.arange(groups.size).reshape(groups.shape)
    others = at[:, 1:].ravel()
    offsets = np.arange(len(groups) + 1) * (people - 1)
    company = Company(Ragged(offsets, groups[:, 1:].ravel()), each.histories.take(others))
    return replace(each.take(at[:, 0]), together=company)


def _with_plays(histories: Histories, items: Int32s, times: Int64s) -> Histories:
    """The histories, each with a whole play of one more title at its end."""
    n = len(items)
    plays = Histories(np.arange(n + 1), items, np.full(n, Kind.PLAY, np.int8), np.ones(n, np.float32), times - 1)
    both = Histories.joined([histories, plays]).take(np.arange(2 * n).reshape(2, n).T.ravel())
    return both.select(both.offsets[::2], slice(None))
