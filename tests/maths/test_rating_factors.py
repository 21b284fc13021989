"""Ratings that members chose: estimators of the error, and factors by least squares, where the truth is known."""

import numpy as np
import pytest

from matinee.maths import missing_ratings as missing
from matinee.maths.rating_factors import Fit, Plane, Ratings, fit_ratings
from matinee.simulate.self_selected import SelfSelectedConfig, self_selected

WORLD = SelfSelectedConfig(120, 150, 20.0, 10)


@pytest.fixture(scope="module")
def world():
    return self_selected(np.random.default_rng(1), WORLD)


def test_weighted_estimates_are_right_in_the_mean_and_the_naive_one_is_not(world):
    rng = np.random.default_rng(2)
    errors, chances = (world.stars - 3.0) ** 2, world.propensities
    believed = 0.7 * errors + 0.2  # wrong everywhere
    runs = []
    for _ in range(300):
        seen = rng.random(errors.shape) < chances
        e, p = errors[seen], chances[seen]
        robust = missing.doubly_robust(e, p, believed[seen], believed.mean(), errors.size)
        runs.append((missing.naive(e), missing.ips(e, p, errors.size), missing.snips(e, p), robust))
    off = np.array(runs) - errors.mean()
    away = np.abs(off.mean(0)) / (off.std(0, ddof=1) / np.sqrt(len(runs)))  # standard errors; above 3 by 1 in 370
    assert away[0] > 50
    assert away[1] < 3
    assert away[3] < 3
    assert abs(off[:, 2].mean()) < 0.02 * errors.mean()  # consistent, not unbiased
    assert off[:, 3].std() < off[:, 1].std()


def test_doubly_robust_is_exact_where_what_is_believed_is_true():
    errors, chances = np.array([1.0, 4.0]), np.array([0.01, 0.9])
    assert missing.doubly_robust(errors, chances, errors, 2.0, 8) == 2.0


def test_a_weighted_fit_is_the_weighted_mean_without_factors_to_learn():
    ratings = Ratings(np.array([0, 0], np.int32), np.array([0, 1], np.int32), np.array([1.0, 4.0]), (1, 2))
    plane = fit_ratings(ratings, np.array([3.0, 1.0]), Fit(1, 1e6, 2), np.random.default_rng(0))
    np.testing.assert_allclose(plane.at(ratings.members, ratings.titles), 1.75, atol=1e-4)


def test_the_doubly_robust_fit_is_least_squares_of_pseudo_outcomes_over_every_cell(world):
    rng, (members, titles) = np.random.default_rng(3), world.stars.shape
    chosen, weights = world.chosen, 1 / world.propensities[world.chosen.members, world.chosen.titles]
    believed = Plane(rng.normal(size=(members, 3)), rng.normal(size=(titles, 3)))
    everywhere = believed.left @ believed.right.T
    at = chosen.members, chosen.titles
    everywhere[at] += weights * (chosen.values - everywhere[at])
    cells = np.indices(everywhere.shape).reshape(2, -1).astype(np.int32)
    whole = Ratings(*cells, everywhere.ravel(), everywhere.shape)
    plain = fit_ratings(whole, np.ones(whole.cells), Fit(3, 0.05, 4), np.random.default_rng(4))
    robust = fit_ratings(chosen, weights, Fit(3, 0.05, 4), np.random.default_rng(4), believed=believed)
    np.testing.assert_allclose(robust.at(*cells), plain.at(*cells), rtol=1e-7, atol=1e-7)


def test_with_true_propensities_learners_are_near_the_truth_and_the_naive_one_is_not(world):
    chosen, cells = world.chosen, np.indices(world.stars.shape).reshape(2, -1).astype(np.int32)
    weights = np.minimum(1 / world.propensities[chosen.members, chosen.titles], 100)
    fit, truth = Fit(4, 0.3, 12), world.stars.ravel()

    def error(plane):
        return np.mean((np.clip(plane.at(*cells), 1, 5) - truth) ** 2)

    naive = fit_ratings(chosen, np.ones(len(weights)), fit, np.random.default_rng(0))
    ips = fit_ratings(chosen, weights, fit, np.random.default_rng(0), total=float(chosen.cells))
    robust = fit_ratings(chosen, weights, fit, np.random.default_rng(0), believed=ips)
    assert error(ips) < 0.8 * error(naive)
    assert error(robust) < 0.8 * error(naive)
