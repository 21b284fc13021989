"""Platt scaling: recovers the truth, is finite where data is separable, keeps the base rate."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from matinee.maths.calibration import Platt, fit_intercept, fit_platt, platt_deviations


def test_recovers_slope_and_intercept():
    """200,000 draws: the standard errors are below 0.02."""
    rng = np.random.default_rng(0)
    scores = rng.normal(5, 2, 200_000)
    labels = (rng.random(200_000) < 1 / (1 + np.exp(-(1.5 * scores - 9)))).astype(float)
    fitted = fit_platt(scores, labels, np.ones(200_000))
    assert fitted.slope == pytest.approx(1.5, abs=0.03)
    assert fitted.intercept == pytest.approx(-9, abs=0.2)


def test_agrees_with_a_general_optimizer():
    rng = np.random.default_rng(1)
    scores, labels, weights = rng.normal(size=500), (rng.random(500) < 0.2).astype(float), rng.random(500) * 9
    positives, negatives = weights @ labels, weights @ (1 - labels)
    target = np.where(labels > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(beta):
        logits = beta[0] * scores + beta[1]
        return weights @ (np.logaddexp(0, logits) - target * logits)

    expected = minimize(loss, [0.0, 0.0], tol=1e-12).x
    fitted = fit_platt(scores, labels, weights)
    np.testing.assert_allclose([fitted.slope, fitted.intercept], expected, atol=1e-4)


def test_weights_count_as_repetitions():
    rng = np.random.default_rng(2)
    scores, labels = rng.normal(size=50), (rng.random(50) < 0.4).astype(float)
    times = rng.integers(1, 5, 50)
    repeated = fit_platt(np.repeat(scores, times), np.repeat(labels, times), np.ones(times.sum()))
    weighted = fit_platt(scores, labels, times.astype(float))
    assert weighted.slope == pytest.approx(repeated.slope, rel=1e-4)
    assert weighted.intercept == pytest.approx(repeated.intercept, rel=1e-4)


@pytest.mark.parametrize("scores", [[0.0, 0.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0], [0.0, 1e6, 2e6, 3e6]])
def test_separable_and_constant_scores_stay_finite(scores):
    fitted = fit_platt(np.array(scores), np.array([0.0, 0.0, 1.0, 1.0]), np.ones(4))
    assert np.isfinite([fitted.slope, fitted.intercept]).all()
    assert ((fitted.probability(np.array(scores)) > 0) & (fitted.probability(np.array(scores)) < 1)).all()


def test_only_one_class():
    fitted = fit_platt(np.arange(5.0), np.zeros(5), np.ones(5))
    assert np.isfinite([fitted.slope, fitted.intercept]).all()


def test_a_given_slope_keeps_the_base_rate():
    rng = np.random.default_rng(3)
    scores, labels = rng.normal(size=1_000), (rng.random(1_000) < 0.03).astype(float)
    fitted = fit_intercept(scores, labels, np.ones(1_000), slope=2.0)
    assert fitted.slope == 2.0
    assert fitted.probability(scores).mean() == pytest.approx(labels.mean(), rel=1e-3)


def test_probability_is_float32_and_grows():
    found = Platt(2.0, -1.0).probability(np.array([0.0, 0.5, 1.0], np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array([-1.0, 0.0, 1.0]))), rtol=1e-6)


def test_intervals_over_groups_hold_the_truth_and_those_over_draws_do_not():
    """95 % of 400 worlds is promised, with a standard error of 1.1 points. Members differ; each brings
    30 draws that weigh differently.
    """
    rng, members, draws, held, alone = np.random.default_rng(3), 80, 30, np.zeros(2), np.zeros(2)
    groups = np.repeat(np.arange(members), draws)
    truth = np.array([0.8, BASE])
    for _ in range(400):
        scores, weights = rng.normal(size=len(groups)), rng.choice([1.0, 4.0], len(groups))
        moods = np.repeat(rng.choice([-0.6, 0.6], members), draws)
        chances = (expit(0.8 * scores + BASE + moods) + expit(0.8 * scores + BASE - moods)) / 2
        shared = expit(0.8 * scores + BASE) + expit(0.8 * scores + BASE + moods) - chances
        labels = (rng.random(len(groups)) < shared).astype(float)
        platt = fit_platt(scores, labels, weights)
        found = np.array([platt.slope, platt.intercept])
        held += np.abs(found - truth) <= 1.96 * np.array(platt_deviations(platt, scores, labels, weights, groups))
        apart = platt_deviations(platt, scores, labels, weights, np.arange(len(groups)))
        alone += np.abs(found - truth) <= 1.96 * np.array(apart)
    assert ((held / 400 >= 0.91) & (held / 400 <= 0.98)).all(), held
    assert alone[1] / 400 < 0.85, alone


BASE = -1.0
