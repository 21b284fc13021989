"""What a fit costs is told before it starts, near the truth, for every model; and what it took is told after."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest

import matinee
from matinee.data.histories import training_data
from matinee.recipes.costs import Cost, expected, pace, taken
from matinee.recipes.models.work import Counts, Work
from matinee.recipes.registry import MODELS
from matinee.testing import cyclic

COUNTS = Counts(members=2_000, titles=1_000, liked=500, likes=40_000, events=50_000, pairs=1_000_000, moments=8_000)
CHEAP = ("neighbors", "markov", "factors")  # products of large squares on several threads wait, which counts too
FACTOR = 3.0  # by which what is told may be wrong


@pytest.fixture(scope="module")
def ratings(ml100k):
    return training_data(ml100k.events, ml100k.catalog, int(ml100k.events["timestamp"].cast(pl.Int64).max()) + 1)


@pytest.mark.parametrize("name", CHEAP)
def test_what_is_told_is_near_what_a_fit_takes(name, ratings):
    model = MODELS[name]
    told = expected(model, ratings)
    tries = [taken(lambda: model.make().fit(ratings, np.random.default_rng(0)))[1] for _ in range(2)]
    spent = min(tries, key=lambda one: one.seconds)  # the first compiles
    assert 1 / FACTOR < told.seconds / spent.seconds < FACTOR


@pytest.mark.parametrize("name", MODELS)
def test_more_data_cost_more_whatever_the_model(name):
    twice = Counts(*(2 * getattr(COUNTS, one.name) for one in fields(Counts)))
    once, more = MODELS[name].work(COUNTS), MODELS[name].work(twice)
    assert more.products + more.lookups > 1.9 * (once.products + once.lookups) > 0
    assert more.bytes > once.bytes > 0


def test_work_in_turn_adds_up_and_what_it_holds_does_not():
    assert Work(1.0, 20.0, 300.0) + Work(4.0, 50.0, 200.0) == Work(5.0, 70.0, 300.0)


def test_the_square_of_the_liked_titles_or_of_few_members_is_what_ease_inverts():
    counting = MODELS["neighbors"].work(COUNTS)
    assert MODELS["ease"].work(COUNTS).products - counting.products == 500**3
    few = replace(COUNTS, members=100)
    assert MODELS["ease"].work(few).products - counting.products == 100 * 500 * 600


def test_counts_are_those_of_the_histories():
    data = cyclic(60, length=5)
    lengths = data.histories.tastes.lengths
    counts = Counts.of(data)
    assert (counts.members, counts.titles, counts.likes) == (60, len(data.catalog), int(lengths.sum()))
    assert counts.pairs == int((lengths**2).sum())
    assert counts.members <= counts.moments <= counts.likes


def test_two_fits_cost_twice_one():
    data, model = cyclic(60, length=5), MODELS["ease"]
    assert expected(model, data, fits=2).seconds == pytest.approx(2 * expected(model, data).seconds)
    assert pace() is pace()


def test_a_cost_is_read_as_seconds_and_megabytes():
    assert str(Cost(0.04, 3 << 20)) == "0.0 s and 3 MB"
    assert str(Cost(1_234.5, None)) == "1,234 s"


def test_a_fit_says_first_what_it_will_cost_and_keeps_what_it_took():
    times = [1_700_000_000 + k for k in range(4)]
    rows = {"user_id": ["a", "a", "b", "b"], "item_id": ["1", "2", "1", "3"], "timestamp": times}
    told: list[tuple[str, float]] = []
    model = matinee.fit("ease", matinee.read(pl.DataFrame(rows)), progress=lambda what, done: told.append((what, done)))
    assert told[0][0].startswith("this will take about ")
    assert told[0][1] == 0.0
    assert model.cost is not None
    assert model.cost.seconds > 0
