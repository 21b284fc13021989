"""The truth of policies: random, sure and perfect ones have the values that arithmetic says."""

from __future__ import annotations

import numpy as np
import pytest
from worlds import BUSY, Fixed, Perfect, Slates, days_of, make_world

from matinee.page import Attention, Layout
from matinee.policies.uniform import Uniform
from matinee.simulate.truth import best_values, every_title, values


@pytest.fixture
def asked():
    world = make_world(400, titles=25)
    return world, world.requests(next(world.day(0)))


def test_a_random_policy_is_worth_the_mean_of_what_may_be_shown(asked):
    world, requests = asked
    table = every_title(world, requests)
    mean = table.sum(axis=1) / (table > 0).sum(axis=1)
    np.testing.assert_allclose(world.truth(Uniform(world.catalog), requests), mean, rtol=1e-12)


def test_a_sure_policy_is_worth_its_title_and_the_perfect_one_bounds_all(asked):
    world, requests = asked
    rng, table = np.random.default_rng(0), every_title(world, requests)
    perfect = values(world, Perfect(world).decide(requests, rng))
    for item in range(25):
        sure, shown = values(world, Fixed(item).decide(requests, rng)), table[:, item] > 0
        np.testing.assert_allclose(sure[shown], table[shown, item])
        assert (sure[shown] <= perfect[shown] + 1e-12).all()
    assert (world.truth(Uniform(world.catalog), requests) <= perfect).all()


def test_the_perfect_policy_has_no_regret(asked):
    world, requests = asked
    decisions = Perfect(world).decide(requests, np.random.default_rng(0))
    np.testing.assert_allclose(values(world, decisions), best_values(world, decisions))


def test_the_best_page_puts_the_best_titles_where_most_look():
    world = make_world(30, titles=8, config=BUSY)
    layout = Layout(rows=2, columns=2, billboard=False, attention=Attention(0.5, 0.8, 1.0))
    requests = world.requests(next(world.day(0)), layout=layout)
    decisions = Slates(8, 2, 2).decide(requests, np.random.default_rng(0))
    table, shown = every_title(world, requests), decisions.choices.actions.reshape(-1, 4)
    np.testing.assert_allclose(values(world, decisions), np.take_along_axis(table, shown, 1) @ [1.0, 0.8, 0.5, 0.4])
    np.testing.assert_allclose(best_values(world, decisions), -np.sort(-table, axis=1)[:, :4] @ [1.0, 0.8, 0.5, 0.4])


def test_the_perfect_policy_earns_most():
    def earned(policy_of):
        world = make_world(400, titles=25)
        return sum(one.totals.sum() for one in days_of(world, policy_of(world), 5))

    assert earned(Perfect) > 3 * earned(lambda world: Uniform(world.catalog))
