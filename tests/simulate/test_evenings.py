"""Evenings: what a group watched is in all their histories the next night, and enjoyment is the world's truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from matinee.policies.uniform import Uniform
from matinee.simulate.evenings import evenings
from matinee.simulate.world import World
from matinee.testing import make_catalog

GROUPS = np.array([[0, 1], [2, 3], [4, 5]], np.int32)


@dataclass
class Watched:
    """A policy that keeps what it was asked and what it answered."""

    inner: Uniform
    kept: list = field(default_factory=list)

    def decide(self, requests, rng):
        made = self.inner.decide(requests, rng)
        self.kept.append(made)
        return made

    def log_prob(self, decisions):
        return self.inner.log_prob(decisions)


def test_what_all_watched_is_known_the_next_night():
    catalog = make_catalog(30)
    world = World.drawn(6, catalog, seed=1)
    policy = Watched(Uniform(catalog))
    enjoyed = evenings(world, policy, GROUPS, 4, np.random.default_rng(0))
    assert enjoyed.shape == (4, 3, 2)
    assert ((enjoyed >= 0) & (enjoyed <= 1)).all()
    assert enjoyed.max() > 0
    shown = np.array([made.titles for made in policy.kept])
    last = policy.kept[-1].requests
    assert last.people.user_ids.gather(last.together.people.values).to_list() == [
        world.members.people.user_ids[k] for k in (1, 3, 5)
    ]
    for histories in (last.histories, last.together.histories):
        for b in range(3):
            own = histories.take(np.array([b]))
            assert own.items[-3:].tolist() == shown[:3, b].tolist()
            assert (np.diff(own.times[-3:]) > 0).all()
    again = evenings(World.drawn(6, catalog, seed=1), Watched(Uniform(catalog)), GROUPS, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(again, enjoyed)
