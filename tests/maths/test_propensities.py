"""Propensities: their formulas, and worlds in which they are known."""

import numpy as np
import pytest

from matinee.errors import BadRequest
from matinee.maths.propensities import Norm, Weighing, inverse, logistic, naive_bayes, of_ratio, popularity_power


def test_weights_are_capped_and_have_a_mean_of_one():
    chances = np.array([0.01, 0.5, 1.0])
    np.testing.assert_allclose(inverse(chances, Weighing(10.0, Norm.NONE)), [10, 2, 1])
    np.testing.assert_allclose(inverse(chances, Weighing(10.0)), np.array([10, 2, 1]) / (13 / 3))
    assert inverse(np.empty(0)).size == 0
    with pytest.raises(BadRequest, match="the cap of weights is"):
        Weighing(0.5)
    with pytest.raises(BadRequest, match="divided by 'max'"):
        Weighing(norm="max")


def test_popularity_to_a_power():
    np.testing.assert_allclose(popularity_power(np.array([0, 1, 25, 100])), [0.1, 0.1, 0.5, 1.0])
    np.testing.assert_allclose(popularity_power(np.array([3, 0]), 0.0), 1.0)
    with pytest.raises(BadRequest, match="power"):
        popularity_power(np.array([1]), -1.0)


def test_naive_bayes_turns_shares_of_values_into_chances():
    # 100 of 1,000 cells rated, 80 of them with the second value, which is 1 in 5 at random (19 + 1 of 98 + 2).
    found = naive_bayes(np.array([20, 80]), np.array([79, 19]), 1000)
    np.testing.assert_allclose(found, [0.2 * 0.1 / 0.8, 0.8 * 0.1 / 0.2])
    with pytest.raises(BadRequest, match="chance chose"):
        naive_bayes(np.array([1]), np.array([0]), 10)


def test_logistic_gives_back_sums_and_truth():
    rng = np.random.default_rng(0)
    b, c = rng.normal(-2.5, 0.8, (400, 1)), rng.normal(0.0, 1.0, 300)
    truth = 1 / (1 + np.exp(-(b + c)))
    seen = rng.random(truth.shape) < truth
    by_member, by_title = seen.sum(1), seen.sum(0)
    found_b, found_c = logistic(by_member, by_title, ridge=1e-6)
    found = 1 / (1 + np.exp(-(found_b[:, None] + found_c)))
    np.testing.assert_allclose(found.sum(1), by_member, atol=0.01)
    np.testing.assert_allclose(found.sum(0), by_title, atol=0.01)
    assert np.abs(found - truth).mean() < 0.3 * np.abs(seen.mean() - truth).mean()


def test_logistic_is_finite_where_all_or_nothing_was_seen():
    b, c = logistic(np.array([0, 3, 3]), np.array([2, 2, 2]))
    assert np.isfinite(b).all()
    assert np.isfinite(c).all()
    assert b[0] < b[1]


def test_the_ratio_of_shown_to_sought_is_exposure_up_to_a_factor():
    exposure, wanted = np.array([1.0, 0.5, 0.1]), np.array([10_000, 4_000, 50_000])
    found = of_ratio((exposure * wanted).astype(np.int64), wanted, prior=0.0)
    np.testing.assert_allclose(found, exposure, rtol=1e-3)
    # One play more than none says little: near the ratio of all, 2 / 1,001, of the largest.
    shrunk = of_ratio(np.array([1, 1]), np.array([1_000, 1]))
    assert shrunk[0] == pytest.approx((1 + 20 / 1001) / 1010 / ((1 + 20 / 1001) / 11), rel=1e-6)
    np.testing.assert_allclose(of_ratio(np.zeros(2, np.int64), np.array([1, 2])), 1.0)
    with pytest.raises(BadRequest, match="search"):
        of_ratio(np.array([1]), np.array([0]))
