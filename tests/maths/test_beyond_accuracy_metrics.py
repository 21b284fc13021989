"""Coverage, Gini, novelty, diversity, calibration and popularity bias: closed forms and directions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.maths import beyond_accuracy as ba

LISTS = np.array([[0, 1, 2], [0, 1, -1], [0, -1, -1], [-1, -1, -1]], np.int32)


def test_shown_counts_each_title_of_each_list():
    expected = [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert ba.shown(LISTS, 4).toarray().tolist() == expected


def test_coverage_is_the_share_of_titles_shown():
    assert ba.coverage(np.array([3.0, 0, 1, 0])) == 2 / 4


def test_gini_of_equal_exposure_is_zero_and_of_one_title_is_n_minus_one_over_n():
    assert ba.gini(np.full(7, 3.0)) == pytest.approx(0)
    assert ba.gini(np.array([0, 0, 5.0, 0])) == pytest.approx(3 / 4)
    assert ba.gini(np.array([1.0, 3.0])) == pytest.approx((-1 * 1 + 1 * 3) / (2 * 4))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=2, max_size=30).filter(any), st.integers(0, 2**32 - 1))
def test_gini_is_bounded_ignores_order_and_scale_and_falls_when_the_richest_gives(counts, seed):
    x = np.array(counts, float)
    value = ba.gini(x)
    assert -1e-12 <= value <= (len(x) - 1) / len(x) + 1e-12
    assert ba.gini(np.random.default_rng(seed).permutation(x) * 3) == pytest.approx(value)
    given_away = x.copy()
    gift = (x.max() - x.min()) / 2
    given_away[x.argmax()] -= gift
    given_away[x.argmin()] += gift
    assert ba.gini(given_away) <= value + 1e-12


def test_novelty_is_bits_of_surprise():
    got = ba.novelty(LISTS, np.array([1 / 2, 1 / 4, 1 / 8]))
    assert got == pytest.approx([(1 + 2 + 3) / 3, (1 + 2) / 2, 1, math.nan], nan_ok=True)


def test_diversity_of_equal_titles_is_zero_and_of_unlike_ones_is_one():
    same, unlike = np.array([[2.0, 0], [5, 0], [1, 0]]), np.array([[1.0, 0, 0], [0, 3, 0], [0, 0, 0]])
    assert ba.intra_list_diversity(LISTS[:2], same) == pytest.approx([0, 0])
    assert ba.intra_list_diversity(LISTS[:2], unlike) == pytest.approx([1, 1])
    assert np.isnan(ba.intra_list_diversity(LISTS[2:], same)).all()


def test_diversity_is_the_mean_over_pairs():
    rng = np.random.default_rng(0)
    vectors = rng.random((9, 4))
    ranked = np.array([rng.permutation(9)[:5] for _ in range(6)], np.int32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for row, got in zip(ranked, ba.intra_list_diversity(ranked, vectors), strict=True):
        pairs = [1 - unit[row[i]] @ unit[row[j]] for i in range(5) for j in range(i)]
        assert got == pytest.approx(sum(pairs) / len(pairs))


def test_miscalibration_of_steck():
    p, q = np.array([[0.7, 0.3]]), np.array([[1.0, 0.0]])
    by_hand = 0.7 * math.log(0.7 / (0.99 * 1 + 0.01 * 0.7)) + 0.3 * math.log(0.3 / (0.01 * 0.3))
    assert ba.miscalibration(p, q) == pytest.approx([by_hand])
    assert ba.miscalibration(p, p) == pytest.approx([0])
    assert np.isnan(ba.miscalibration(np.zeros((1, 2)), q)).all()
    assert np.isnan(ba.miscalibration(p, np.zeros((1, 2)))).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_miscalibration_is_never_negative_and_falls_toward_the_profile(seed):
    p, q = np.random.default_rng(seed).dirichlet(np.ones(5), (2, 8))
    far, near = ba.miscalibration(p, q), ba.miscalibration(p, (p + q) / 2)
    assert (near >= -1e-12).all()
    assert (far >= near - 1e-12).all()


def test_popularity_lift():
    got = ba.popularity_lift(np.array([30.0, 10, 5]), np.array([10.0, 10, 0]))
    assert got == pytest.approx([(30 - 10) / 10, 0, math.nan], nan_ok=True)
