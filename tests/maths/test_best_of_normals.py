"""P(best) of independent normals against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from matinee.maths.best_of_normals import probability_of_best


def test_two_scores_have_a_closed_form():
    """P(X1 > X2) = Phi((m1 - m2) / sqrt(s1^2 + s2^2)), deviations up to a thousand times apart."""
    rng = np.random.default_rng(0)
    means, deviations = rng.normal(size=(500, 2)), 10 ** rng.uniform(-2, 1, (500, 2))
    found = [probability_of_best(m, s)[0] for m, s in zip(means, deviations, strict=True)]
    expected = norm.cdf((means[:, 0] - means[:, 1]) / np.hypot(*deviations.T))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_several_scores_against_numerical_integration():
    means, deviations = np.array([0.0, 0.3, -0.5, 0.1]), np.array([1.0, 0.1, 2.0, 0.03])

    def density(z: float, a: int) -> float:
        others = [norm.cdf(z, means[b], deviations[b]) for b in range(4) if b != a]
        return norm.pdf(z, means[a], deviations[a]) * np.prod(others)

    breaks = np.sort((means[:, None] + deviations[:, None] * np.arange(-8, 9, 2)).ravel()).tolist()
    expected = [quad(density, -20, 20, (a,), points=breaks, limit=400)[0] for a in range(4)]
    np.testing.assert_allclose(probability_of_best(means, deviations), expected, atol=1e-4)


def test_equal_scores_are_equally_likely_and_sums_are_one():
    np.testing.assert_allclose(probability_of_best(np.zeros(1000), np.ones(1000)), 1 / 1000, rtol=1e-9)
    rng = np.random.default_rng(1)
    for k in (1, 2, 7, 300):
        assert probability_of_best(rng.normal(size=k), rng.uniform(0.1, 1, k)).sum() == pytest.approx(1)


def test_what_cannot_be_best_has_nothing():
    assert probability_of_best(np.array([0.0, 10.0, 0.0]), np.ones(3)).tolist() == [0.0, 1.0, 0.0]
    assert len(probability_of_best(np.empty(0), np.empty(0))) == 0
