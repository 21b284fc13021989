"""Inclusion and set probabilities of Plackett-Luce lists against enumeration."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from matinee.errors import BadRequest
from matinee.maths.plackett_luce import inclusion_probabilities, set_probability

WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])


def enumerated(weights: np.ndarray, k: int) -> np.ndarray:
    found = np.zeros(len(weights))
    for order in permutations(range(len(weights)), k):
        rest, prob = weights.sum(), 1.0
        for i in order:
            prob, rest = prob * weights[i] / rest, rest - weights[i]
        found[list(order)] += prob
    return found


def test_known_answers():
    found = inclusion_probabilities(WEIGHTS, 2)
    np.testing.assert_allclose(found, [0.234524, 0.441270, 0.608333, 0.715873], atol=5e-7)
    assert set_probability(WEIGHTS, [2, 3]) == pytest.approx(13 / 35)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 6, 9])
def test_inclusion_is_that_of_enumeration(k):
    weights = np.array([1e-3, 0.5, 1.0, 7.0, 40.0, 1e3])
    expected = enumerated(weights, min(k, 6))
    np.testing.assert_allclose(inclusion_probabilities(weights, k), expected, rtol=1e-9)


def test_inclusions_sum_to_the_length_of_the_list():
    weights = np.random.default_rng(0).lognormal(size=60)
    assert inclusion_probabilities(weights, 10).sum() == pytest.approx(10, abs=1e-9)


def test_sets_sum_to_one():
    sets = [[i, j] for i in range(4) for j in range(i)]
    assert sum(set_probability(WEIGHTS, one) for one in sets) == pytest.approx(1)


def test_weights_that_are_none_are_refused():
    with pytest.raises(BadRequest, match="above 0"):
        inclusion_probabilities(np.array([1.0, 0.0]), 1)
    with pytest.raises(BadRequest, match="each once"):
        set_probability(WEIGHTS, [1, 1])
