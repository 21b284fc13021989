"""P(an ordered list is the top) against closed forms, draws, and P(best)."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest

from matinee.maths.best_of_normals import probability_of_best
from matinee.maths.top_of_scores import beginnings
from matinee.policies.independent import BetaBelief, GaussianBelief, Told

BELIEFS = [GaussianBelief(0.1, 0.1, 0.3), BetaBelief(1.0, 99.0)]


@pytest.mark.parametrize("belief", BELIEFS)
def test_among_equals_every_order_is_as_likely(belief):
    """(n - j)! / n!, for 30 titles down to a probability of 1e-17."""
    nothing = np.zeros(30)
    found = beginnings(*belief.table(Told(nothing, nothing)), np.arange(12, dtype=np.int32)[None])
    expected = [factorial(30 - j) / factorial(30) for j in range(1, 13)]
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_the_first_place_is_that_of_the_best():
    told = Told(np.array([3.0, 400.0, 20.0, 0.0, 5e4]), np.array([1.0, 60.0, 4.0, 0.0, 7e3]))
    table = BELIEFS[0].table(told)
    found = beginnings(*table, np.arange(5, dtype=np.int32)[:, None])[:, 0]
    np.testing.assert_allclose(found, probability_of_best(*BELIEFS[0].moments(told)), atol=1e-4)
    assert found.sum() == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("belief", BELIEFS)
def test_lists_of_two_against_draws_and_all_orders_sum_to_one(belief):
    """400,000 draws of four titles: 5 standard errors, some .004."""
    told = Told(np.array([0.0, 50.0, 300.0, 4_000.0]), np.array([0.0, 4.0, 9.0, 90.0]))
    draws = belief.draw(Told(*(np.broadcast_to(one, (400_000, 4)) for one in told[:2])), np.random.default_rng(0))
    top = np.argsort(-draws, axis=1)[:, :2]
    lists = np.array([(a, b) for a in range(4) for b in range(4) if a != b], np.int32)
    found = beginnings(*belief.table(told), lists)[:, 1]
    drawn = [(top == one).all(axis=1).mean() for one in lists]
    np.testing.assert_allclose(found, drawn, atol=0.004)
    assert found.sum() == pytest.approx(1, abs=1e-7)
