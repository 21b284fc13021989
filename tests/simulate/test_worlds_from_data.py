"""A world after real data comes near it, and small or empty data are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.data.dataset import Dataset
from matinee.errors import BadData, BadRequest
from matinee.simulate.config import WorldConfig
from matinee.simulate.fitting import appeal_for
from matinee.simulate.marginals import marginals
from matinee.simulate.nearness import events_of
from matinee.simulate.world import World
from matinee.testing import make_catalog, make_events


@pytest.fixture(scope="module")
def simulated(ml100k):
    """A world after MovieLens 100K, and the events of a busy week of random billboards in it."""
    world = World.from_data(ml100k, config=WorldConfig(visits=8.0))
    return world, events_of(world, 7)


def test_the_marginals_of_movielens_come_back(ml100k, simulated):
    world, events = simulated
    distance = {one.name: one.distance for one in marginals(ml100k.events, events, world.catalog)}
    assert distance["popularity"] < 0.12
    assert distance["activity"] < 0.08
    assert distance["hours"] < 0.15
    assert distance["concentration"] < 0.04


def test_plays_of_random_billboards_have_the_skew_of_the_source(ml100k, simulated):
    """Some 1,000 plays: two samples of the source as small are .05 apart (three seeds)."""
    world, events = simulated
    shown = events.filter(pl.col("decision_id").is_not_null())
    popularity, *_ = marginals(ml100k.events, shown, world.catalog)
    assert popularity.distance < 0.08
    assert abs(popularity.source - popularity.world) < 0.06


def test_members_begin_as_those_they_are_made_after(ml100k):
    world = World.from_data(ml100k, members=2_000)
    histories = world.members.ring.histories(np.array([5, 5 + 943], np.int32))
    assert histories.digest(0) == histories.digest(1)
    assert (histories.times < world.config.start).all()
    assert not np.array_equal(world.members.tastes[5], world.members.tastes[5 + 943])
    assert world.members.rates[5] == world.members.rates[5 + 943]


def test_appeal_gives_each_title_its_chance():
    rng = np.random.default_rng(0)
    affinity, target = 2 * rng.standard_normal((200, 50)), rng.uniform(1e-4, 0.5, 50)
    chance = 1 / (1 + np.exp(-(appeal_for(target, affinity) + affinity)))
    np.testing.assert_allclose(chance.mean(axis=0), target, rtol=1e-4)


def test_a_log_is_at_no_distance_from_itself(ml100k):
    assert all(one.distance == 0 for one in marginals(ml100k.events, ml100k.events, ml100k.catalog))


def test_too_small_or_empty_data_are_refused():
    events = make_events([[0, 1], [1, 2]])
    small = Dataset("small", "none", make_catalog(3), {}, events)
    with pytest.raises(BadData, match="2 members and 3 titles"):
        World.from_data(small)
    with pytest.raises(BadData, match="holds no event"):
        World.from_data(replace(small, events=events.head(0)))


@pytest.mark.parametrize("wrong", [{"search": 1.2}, {"visits": -1}, {"search": 0.8, "links": 0.3}, {"click": 1.0}])
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(BadRequest):
        WorldConfig(**wrong)
