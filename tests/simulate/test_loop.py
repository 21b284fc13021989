"""The loop: same bytes whatever the batches and threads, learning once a day, common luck, numbers by day."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from worlds import BUSY, Fixed, make_world

from matinee.data.log import EventLog
from matinee.decision import Cells
from matinee.policies.uniform import Uniform
from matinee.simulate.config import WorldConfig
from matinee.simulate.loop import live_day, simulate
from matinee.simulate.world import World
from matinee.testing import make_catalog

STATE = ("tastes", "satisfaction", "left")
ANSWERED = ("examined", "clicked", "shares", "liked", "dismissed", "enjoyment")
END = 2**62


def lived(at_once, threads):
    world, parts = make_world(700, threads=threads, config=WorldConfig(visits=1.5, shared=0.5)), []
    for day in range(3):
        parts += [one.answers for one in live_day(world, Uniform(world.catalog), day, at_once=at_once)]
    told = {name: np.concatenate([getattr(one, name) for one in parts]) for name in ANSWERED}
    told["actions"] = np.concatenate([one.decisions.choices.actions for one in parts])
    told |= {name: getattr(world.members, name) for name in STATE}
    told |= {name: getattr(world.members.ring, name) for name in ("items", "kinds", "values", "times")}
    return told, [one for part in parts for one in part.decisions.ids]


def test_same_bytes_whatever_the_size_of_batches_and_the_number_of_threads():
    expected, ids = lived(100_000, 1)
    assert len(set(ids)) == len(ids) > 1_000
    for at_once, threads in ((97, 1), (100_000, 4), (513, 3)):
        found, other = lived(at_once, threads)
        assert other == ids
        for name, values in expected.items():
            assert np.array_equal(values, found[name]), name


def test_another_seed_is_another_world():
    one, other = make_world(100), make_world(100, seed=1)
    assert not np.array_equal(one.members.tastes, other.members.tastes)


@dataclass
class Learner:
    """Uniform, and remembers what it was taught."""

    policy: Uniform
    taught: list = field(default_factory=list)

    def decide(self, requests, rng):
        return self.policy.decide(requests, rng)

    def log_prob(self, decisions):
        return self.policy.log_prob(decisions)

    @property
    def posterior(self):
        return len(self.taught)

    def learn(self, decisions, rewards):
        self.taught.append((decisions, rewards))

    def at(self, posterior):
        return self

    def save(self, folder):
        pass


def test_a_policy_learns_once_a_day_from_all_of_it():
    taught = []
    for at_once in (10_000, 60):
        policy = Learner(Uniform(make_world(300).catalog))
        result = simulate(partial(make_world, 300, config=BUSY), {"learner": policy}, 3, at_once=at_once)
        assert [len(one) for one, _ in policy.taught] == result.days["decisions"].to_list()
        assert all(len(rewards) == len(one.choices.actions) for one, rewards in policy.taught)
        taught.append(policy.taught)
    for (one, rewards), (other, same) in zip(*taught, strict=True):
        np.testing.assert_array_equal(rewards, same)
        np.testing.assert_array_equal(one.choices.actions, other.choices.actions)
        assert one.requests.histories.digest(5) == other.requests.histories.digest(5)


def test_numbers_do_not_depend_on_batches():
    make = partial(make_world, 300)
    policies = {"uniform": Uniform(make().catalog), "one": Fixed(3)}
    one, other = (simulate(make, policies, 10, at_once=at_once) for at_once in (100_000, 37))
    for name in ("days", "members", "differences"):
        assert getattr(one, name).equals(getattr(other, name)), name


def test_common_luck_makes_differences_at_least_three_times_surer():
    """12 pairs of small worlds of one seed against 12 of different seeds: the variance of the difference of means."""

    def visits(seed, item):
        make = partial(make_world, 150, config=WorldConfig(visits=1.0), seed=seed)
        return simulate(make, {"one": Fixed(item)}, 7, sample=0).members.row(0, named=True)["mean"]

    def spread(offset):
        return np.var([visits(seed, 3) - visits(seed + offset, 4) for seed in range(12)], ddof=1)

    assert spread(1_000) > 3 * spread(0)


def test_members_are_compared_pair_by_pair():
    make = partial(make_world, 1_500, config=WorldConfig(visits=1.0))
    first, second = np.argsort(-make().titles.appeal)[:2].tolist()
    result = simulate(make, {"first": Fixed(first), "second": Fixed(second)}, 28)
    ratios = dict(result.differences.select("measure", "variance_ratio").iter_rows())
    assert ratios["visits"] > 3
    means = {one["policy"]: one["mean"] for one in result.members.filter(measure="reward").to_dicts()}
    (row,) = result.differences.filter(measure="reward").to_dicts()
    assert row["mean"] == pytest.approx(means["second"] - means["first"])
    assert row["low"] < row["mean"] < row["high"]


def test_the_rows_of_days_add_up():
    rows = []
    make = partial(make_world, 400, config=replace(BUSY, search=0.2, launching=0.3, horizon=5))
    result = simulate(make, {"uniform": Uniform(make().catalog)}, 10, told=rows.append)
    days = result.days
    assert days.height == len(rows) == 10
    assert (days["visits"] == days["decisions"] + days["found"]).all()
    np.testing.assert_allclose(days["regret"], days["best"] - days["value"])
    assert days["returned"].is_null().to_list() == [False] * 3 + [True] * 7
    assert days["new_shown"].to_list()[0] < days["new_shown"].to_list()[-1]
    totals = dict(result.members.select("measure", "mean").iter_rows())
    assert totals["visits"] * 400 == pytest.approx(days["visits"].sum())
    assert totals["plays"] * 400 == pytest.approx(days["plays"].sum())
    assert result.json()["size"] == 400


def test_cells_of_an_experiment_travel_with_requests():
    world = make_world(100, config=BUSY)

    def ask(here, visits):
        return here.requests(visits, cells=Cells(("test",), (visits.members[:, None] % 2).astype(np.int8)))

    requests = next(live_day(world, Uniform(world.catalog), 0, ask)).answers.decisions.requests
    np.testing.assert_array_equal(requests.cells.arms[:, 0], requests.members % 2)


def test_a_simulation_writes_the_same_log_as_a_service(tmp_path):
    make = partial(make_world, 60, config=replace(BUSY, search=0.2))
    with EventLog(tmp_path / "log.sqlite3") as log:
        days = simulate(make, {"uniform": Uniform(make().catalog)}, 2, log=log).days
        decisions, events = list(log.decisions.read(END)), log.read(END)
    assert sum(map(len, decisions)) == days["decisions"].sum()
    counts = dict(events["kind"].value_counts().iter_rows())
    assert counts["impression"] == days["decisions"].sum()
    assert counts["play"] == (days["plays"] + days["found"]).sum()
    named = events.filter(pl.col("decision_id").is_not_null())["decision_id"].unique()
    assert set(named) <= {one for batch in decisions for one in batch.ids}


def test_planted_oscillations_come_back_out_of_the_plays():
    """A season of 14 days for each genre: the periodogram of the genre's share of plays peaks there."""
    catalog = make_catalog(40, genres=[[("Drama", "Comedy")[k % 2]] for k in range(40)])
    world = World.drawn(800, catalog, replace(BUSY, season=1.0, season_days=14.0), seed=3)
    share = np.zeros(56)
    for day in range(56):
        answers = [one.answers for one in live_day(world, Uniform(world.catalog), day)]
        items = np.concatenate([one.decisions.choices.actions[one.clicked] for one in answers])
        share[day] = (items % 2).mean()
    power = np.abs(np.fft.rfft(share - share.mean())) ** 2
    assert power.argmax() == 56 // 14
    assert power.max() > 0.5 * power.sum()
