"""CIPS: lists that were never left to chance, in a world where clicks are attention times liking."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.maths.off_policy_clicks import attention_to, click_weights, untold
from matinee.maths.off_policy_slates import iips

ATTENTION = np.array([0.8, 0.4, 0.2])
LIKED = np.array([0.1, 0.5, 0.3, 0.9])


def test_weights_are_ratios_of_attention():
    logged, target = np.array([[0, 1, 2], [3, 1, -1]]), np.array([[1, 0, 3], [3, 1, -1]])
    np.testing.assert_allclose(attention_to(logged, target, ATTENTION), [[0.4, 0.8, 0.0], [0.8, 0.4, 0.0]])
    np.testing.assert_allclose(click_weights(logged, target, ATTENTION), [[0.5, 2.0, 0.0], [1.0, 1.0, 0.0]])
    assert untold(logged, target, ATTENTION) == pytest.approx(0.2 / (1.4 + 1.2))
    assert untold(logged, logged, ATTENTION) == 0.0
    assert untold(logged, np.full((2, 3), -1), ATTENTION) == 0.0


def test_the_value_of_another_order_is_exact_on_average():
    """Every pattern of looks has its chance; the mean of the estimates is the truth of the new order."""
    logged, target = np.array([[0, 1, 2]]), np.array([[2, 0, 1]])
    truth = float(ATTENTION @ LIKED[target[0]])
    clicks = np.indices((2, 2, 2)).reshape(3, -1).T
    each = ATTENTION * LIKED[logged[0]]
    chance = np.where(clicks == 1, each, 1 - each).prod(axis=1)
    weights = np.repeat(click_weights(logged, target, ATTENTION), len(clicks), axis=0)
    assert chance @ iips(weights, clicks.astype(float)) == pytest.approx(truth, abs=1e-12)


def test_what_the_log_never_showed_is_missing_by_what_it_earns():
    logged, target = np.array([[0, 1, 2]]), np.array([[3, 0, 1]])
    told = float((click_weights(logged, target, ATTENTION) * ATTENTION * LIKED[logged]).sum())
    assert told == pytest.approx(ATTENTION[1] * LIKED[0] + ATTENTION[2] * LIKED[1])
    assert untold(logged, target, ATTENTION) == pytest.approx(0.8 / 1.4)
