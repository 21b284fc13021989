"""Position bias: arithmetic where chance orders lists, and the truth given back where relevance does."""

import numpy as np
import pytest

from matinee.maths.position_bias import by_chance, by_em


def test_chance_compares_rates_of_clicks():
    positions = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32)
    clicked = np.array([1, 1, 0, 0, 1, 0, 0, 0], bool)
    np.testing.assert_allclose(by_chance(positions, clicked), [1.0, 0.5])
    assert np.isnan(by_chance(positions, np.zeros(8, bool))).all()
    assert by_chance(np.empty(0, np.int32), np.empty(0, bool)).size == 0


def test_em_gives_the_truth_back_where_good_titles_stand_first():
    rng, lists, theta = np.random.default_rng(0), 8_000, np.array([1.0, 0.7, 0.5, 0.35])
    gamma = rng.uniform(0.1, 0.6, 30)
    titles = np.array([rng.choice(30, 4, replace=False) for _ in range(lists)], np.int32)
    order = np.argsort(-(gamma[titles] + rng.normal(0, 0.1, titles.shape)), axis=1)  # the better above, nearly
    titles = np.take_along_axis(titles, order, axis=1)
    clicked = rng.random(titles.shape) < theta * gamma[titles]
    positions = np.tile(np.arange(4, dtype=np.int32), lists)
    found, wanted = by_em(positions, titles.ravel(), clicked.ravel())
    np.testing.assert_allclose(found, theta, atol=0.06)
    assert np.corrcoef(wanted, gamma)[0, 1] > 0.98
    raw = by_chance(positions, clicked.ravel())  # takes the order for the places
    assert raw[3] < theta[3] - 0.1


def test_both_agree_where_chance_ordered():
    rng = np.random.default_rng(1)
    titles, theta = rng.integers(0, 20, (4_000, 3)).astype(np.int32), np.array([1.0, 0.8, 0.6])
    clicked = (rng.random(titles.shape) < theta * np.linspace(0.2, 0.6, 20)[titles]).ravel()
    positions = np.tile(np.arange(3, dtype=np.int32), 4_000)
    np.testing.assert_allclose(by_em(positions, titles.ravel(), clicked)[0], by_chance(positions, clicked), atol=0.05)


@pytest.mark.parametrize("clicked", [False, True])
def test_all_or_nothing_stays_finite(clicked):
    found, wanted = by_em(np.array([0, 1], np.int32), np.array([0, 1], np.int32), np.full(2, clicked))
    assert np.isfinite(found).all()
    assert np.isfinite(wanted).all()
