"""Fairness to titles: gains by hand, tails, and what scaling keeps and evens out."""

import numpy as np
import pytest

from matinee.maths.fairness import gains_of, quantiles, scaled, tails, with_floor
from matinee.maths.ragged import Ragged

RANKED = np.array([[0, 1, 2], [1, 0, -1], [2, 1, 0]], np.int32)
WANTED = Ragged.of([np.array(one, np.int32) for one in ([0], [0, 3], [1])])


def test_the_gain_of_a_title_is_the_mean_over_those_who_want_it():
    """Title 0: first for one, second for the other, (1 + 1 / log2 3) / 2; title 1: second of one; title 3: never."""
    found = gains_of(RANKED, WANTED, 5).weighed(np.ones((1, 3)))[0]
    assert found[:2] == pytest.approx([(1 + 1 / np.log2(3)) / 2, 1 / np.log2(3)])
    assert np.isnan(found[[2, 4]]).all()
    assert found[3] == 0.0


def test_members_count_by_weight():
    found = gains_of(RANKED, WANTED, 5).weighed(np.array([[3.0, 1.0, 0.0]]))[0]
    assert found[0] == pytest.approx((3 + 1 / np.log2(3)) / 4)
    assert np.isnan(found[1]), "nobody who counts wants it"


def test_tails_are_means_of_the_ends():
    gains = np.r_[np.arange(10) / 10, [np.nan] * 3]
    assert tails(gains) == pytest.approx([0.0, 0.05, 0.1, 0.9])
    assert tails(np.stack([gains, gains[::-1]])) == pytest.approx(np.tile([0.0, 0.05, 0.1, 0.9], (2, 1)))
    assert tails(np.array([0.4, np.nan])) == pytest.approx([0.4] * 4), "at least one title"
    assert np.isnan(tails(np.array([np.nan, np.nan]))).all()


def test_scaled_fully_every_title_has_one_mean_and_deviation():
    scores = np.random.default_rng(0).normal([0.0, 5.0, -2.0], [1.0, 0.1, 3.0], (200, 3))
    found = scaled(scores, scores, 1.0)
    assert found.mean(axis=0) == pytest.approx(scores.mean(axis=0).mean())
    assert found.std(axis=0) == pytest.approx(scores.std(axis=0).mean())
    assert scaled(scores, scores, 0.0) == pytest.approx(scores)
    assert scaled(scores, scores, 0.25) == pytest.approx(0.75 * scores + 0.25 * found)


def test_scaling_keeps_the_order_of_members_within_a_title():
    scores = np.random.default_rng(1).random((50, 4))
    for strength in (0.3, 1.0):
        order = scaled(scores, scores[:25], strength).argsort(axis=0)
        np.testing.assert_array_equal(order, scores.argsort(axis=0))


def test_a_title_of_one_score_for_all_keeps_it():
    scores = np.column_stack([np.full(5, 2.0), np.arange(5.0)])
    assert scaled(scores, scores, 1.0)[:, 0] == pytest.approx(2.0)
    assert scaled(np.ones((3, 2)), np.ones((3, 2)), 1.0) == pytest.approx(1.0)


def test_quantiles_are_shares_of_the_reference_below():
    reference = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 6.0], [4.0, 7.0]])
    assert quantiles(np.array([[3.5, 5.0], [0.0, 9.0]]), reference) == pytest.approx(np.array([[0.75, 0], [0, 1]]))


def test_the_floor_gives_the_last_places_to_titles_that_are_not_there():
    ranked = np.array([[0, 1, 2], [3, 2, -1]], np.int32)
    shares = np.array([[0.9, 0.8, 0.1, 0.5], [0.2, 0.3, 0.9, 1.0]])
    assert with_floor(ranked, shares, 1).tolist() == [[0, 1, 3], [3, 2, 1]]
    assert with_floor(ranked, shares, 0).tolist() == ranked.tolist()


def test_by_quantiles_every_title_is_shown_as_often():
    """However unlike their scores: of 4,000 members a tenth of ten titles each, within four standard errors."""
    scores = np.random.default_rng(2).normal(np.arange(10.0), 1 + np.arange(10.0), (4_000, 10))
    lists = np.tile(np.arange(9, 8, -1, dtype=np.int32), (4_000, 1))
    shown = np.bincount(with_floor(lists, quantiles(scores, scores), 1)[:, 0], minlength=10)
    assert np.abs(shown / 4_000 - 0.1).max() < 4 * np.sqrt(0.09 / 4_000)
