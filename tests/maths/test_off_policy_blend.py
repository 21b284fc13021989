"""The best linear combination of estimators: known weights, less spread, and an interval that holds."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.maths.mean_intervals import Interval, normal
from matinee.maths.off_policy_blend import CAUTION, blend_weights, blended, no_narrower


def test_weights_of_independent_estimators_are_inverse_variances():
    values = np.array([[1.0, -1.0, 1.0, -1.0], [2.0, 2.0, -2.0, -2.0]])
    np.testing.assert_allclose(blend_weights(values), [4 / 5, 1 / 5], rtol=1e-5)


def test_weights_of_correlated_estimators_are_what_arithmetic_says():
    """S = [[1, 1], [1, 2]] of x and x + y: all weight on x, for y is noise. Of x + y and x + 2 y: 2 and -1."""
    x, y = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
    np.testing.assert_allclose(blend_weights(np.stack([x, x + y])), [1, 0], atol=1e-5)
    np.testing.assert_allclose(blend_weights(np.stack([x + y, x + 2 * y])), [2, -1], atol=1e-4)


def test_estimators_that_say_the_same_share_their_weight():
    x = np.random.default_rng(0).normal(size=50)
    np.testing.assert_allclose(blend_weights(np.stack([x, x])), [0.5, 0.5])
    np.testing.assert_allclose(blend_weights(np.zeros((3, 4))), [1 / 3] * 3)
    np.testing.assert_allclose(blended(np.stack([x, x])), x)


def test_each_half_takes_the_weights_of_the_other():
    values = np.random.default_rng(1).normal(size=(3, 40))
    even = blend_weights(values[:, 1::2], CAUTION / np.sqrt(40)) @ values[:, ::2]
    np.testing.assert_allclose(blended(values)[::2], even)
    with pytest.raises(AssertionError, match="3 rounds are too few"):
        blended(values[:, :3])


def test_caution_draws_weights_to_even_ones():
    values = np.array([[1.0, -1.0, 1.0, -1.0], [2.0, 2.0, -2.0, -2.0]])
    first = [blend_weights(values, caution)[0] for caution in (1e-6, 0.5, 5.0, 1e6)]
    assert first == sorted(first, reverse=True)
    assert first[-1] == pytest.approx(0.5, abs=1e-5)


def test_an_interval_reaches_as_far_as_the_wider():
    assert no_narrower(Interval(2.0, 1.5, 2.25), Interval(5.0, 4.75, 6.0)) == (2.0, 1.5, 3.0)


def test_the_combination_is_unbiased_and_its_interval_holds():
    """2,000 logs of 60 rounds and four estimators of 1: 95 % intervals hold in 1,860 to 1,940 (p > .999)."""
    rng, mix = np.random.default_rng(2), np.array([[1, 0, 1], [1, 0.5, -1], [1, -1, 0.2], [1, 2, 0]])
    held, found, alone = 0, [], []
    for _ in range(2_000):
        values = 1 + mix @ rng.normal(size=(3, 60))
        one = normal(blended(values))
        held += one.low <= 1 <= one.high
        found.append(one.value)
        alone.append(values[0].mean())
    assert 1_850 <= held <= 1_950
    assert abs(np.mean(found) - 1) < 4 * np.std(found) / np.sqrt(2_000)
    assert np.std(found) < 0.85 * np.std(alone)
