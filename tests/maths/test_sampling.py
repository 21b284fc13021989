"""Plackett-Luce: frequencies against enumeration, exact log-probabilities, greedy limit, ordering kernels."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from matinee.maths.ordering import descending
from matinee.maths.sampling import LEAST_TEMPERATURE, list_log_probs, plackett_luce


def probability(order: tuple[int, ...], logits: np.ndarray, temperature: float) -> float:
    """The product of softmaxes over what remains, by definition."""
    mass = np.exp(logits / temperature)
    left, result = mass.sum(), 1.0
    for k in order:
        result *= mass[k] / left
        left -= mass[k]
    return result


@pytest.mark.parametrize(("n", "temperature"), [(2, 1.0), (4, 0.5), (3, 2.0)])
def test_frequencies_match_enumeration(n, temperature):
    """Four titles, 100,000 draws, all ordered lists: chi-square with alpha = 0.001."""
    logits, draws = np.array([0.3, -0.5, 1.1, 0.0], np.float32), 100_000
    chosen, logs = plackett_luce(np.tile(logits, (draws, 1)), n, temperature, np.arange(draws, dtype=np.uint64))
    orders = list(permutations(range(4), n))
    expected = np.array([probability(order, logits.astype(float), temperature) for order in orders])
    assert expected.sum() == pytest.approx(1.0)
    place = {order: k for k, order in enumerate(orders)}
    which = np.array([place[tuple(row)] for row in chosen.tolist()])
    assert chisquare(np.bincount(which, minlength=len(orders)), expected * draws).pvalue > 0.001
    np.testing.assert_allclose(np.exp(logs.sum(axis=1)), expected[which], rtol=1e-5)


@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=12), st.integers(1, 14), st.floats(0.05, 5))
@settings(deadline=None)
def test_log_probabilities_of_any_draw(values, n, temperature):
    logits = np.array([values], np.float32)
    chosen, logs = plackett_luce(logits, n, temperature, np.array([17], np.uint64))
    order = tuple(int(k) for k in chosen[0] if k >= 0)
    assert len(order) == min(n, len(values)) == len(set(order))
    scaled = logits[0].astype(float) / temperature
    left = list(range(len(values)))
    for k, log in zip(order, logs[0], strict=False):
        rest = np.array([scaled[j] for j in left])
        assert log == pytest.approx(scaled[k] - (rest.max() + np.log(np.exp(rest - rest.max()).sum())), abs=1e-6)
        left.remove(k)
    assert (logs[0, len(order) :] == 0).all()


def test_temperature_zero_is_the_sorted_list_with_certainty():
    logits = np.array([[0.5, 2.0, -1.0, 2.0]], np.float32)
    chosen, logs = plackett_luce(logits, 4, 0.0, np.zeros(1, np.uint64))
    assert chosen.tolist() == [[1, 3, 0, 2]]
    assert not logs.any()


@pytest.mark.parametrize("temperature", [5e-324, 2.2e-311, LEAST_TEMPERATURE / 2])
def test_a_temperature_next_to_zero_is_zero(temperature):
    logits = np.array([[3.0, -2.0, 5.0, 5.0]], np.float32)
    chosen, log_probs = plackett_luce(logits, 3, temperature, np.array([7], np.uint64))
    assert chosen.tolist() == [[2, 3, 0]]
    assert log_probs.tolist() == [[0.0, 0.0, 0.0]]


def test_the_least_temperature_has_probabilities():
    logits = np.array([[40.0, -40.0, 0.0, 39.0]], np.float32)
    for order in ([0, 3, 2, 1], [1, 2, 3, 0]):
        chosen, log_probs = plackett_luce(logits[:, order], 4, LEAST_TEMPERATURE, np.array([7], np.uint64))
        assert [order[k] for k in chosen[0]] == [0, 3, 2, 1]
        assert np.isfinite(log_probs).all()
        assert (log_probs <= 0).all()


def test_what_cannot_be_drawn_is_not():
    logits = np.array([[-np.inf, 0.0, -np.inf]], np.float32)
    chosen, logs = plackett_luce(logits, 3, 1.0, np.zeros(1, np.uint64))
    assert chosen.tolist() == [[1, -1, -1]]
    assert logs.tolist() == [[0.0, 0.0, 0.0]]


def test_seeds_decide_and_nothing_else_does():
    logits = np.random.default_rng(0).normal(size=(1, 50)).astype(np.float32)
    one, _ = plackett_luce(logits, 10, 1.0, np.array([5], np.uint64))
    many, _ = plackett_luce(np.tile(logits, (3, 1)), 10, 1.0, np.array([4, 5, 6], np.uint64))
    assert (many[1] == one[0]).all()
    assert (many[0] != one[0]).any()


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=200), st.data())
@settings(deadline=None)
def test_descending_is_a_stable_sort_of_what_is_kept(values, data):
    array = np.array(values, np.float32) + np.float32(0)  # no negative zero
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    order = np.empty(len(values), np.uint32)
    size = descending(array, keep, order)
    kept = np.flatnonzero(keep)
    assert order[:size].tolist() == kept[np.argsort(-array[kept], kind="stable")].tolist()


def test_given_lists_have_the_probabilities_that_they_were_drawn_with():
    rng = np.random.default_rng(40)
    logits, seeds = rng.normal(size=(50, 9)).astype(np.float32), rng.integers(2**63, size=50).astype(np.uint64)
    chosen, log_probs = plackett_luce(logits, 4, 0.7, seeds)
    np.testing.assert_allclose(list_log_probs(logits, chosen, 0.7), log_probs, rtol=1e-12)
    weights = np.exp(logits[0].astype(np.float64))
    by_hand = np.log([weights[3] / weights.sum(), weights[1] / (weights.sum() - weights[3]), 1.0])
    np.testing.assert_allclose(list_log_probs(logits[:1], np.array([[3, 1, -1]]), 1.0)[0], by_hand, atol=1e-6)
    with pytest.raises(AssertionError, match="position 9 of 9"):
        list_log_probs(logits[:1], np.array([[9]]), 1.0)
