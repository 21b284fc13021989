"""A few likes show: the genres they speak for, the worth of titles, the rows at the top of a new member's page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pages import catalog_of, pools_of

from matinee.history import Histories
from matinee.page import RowKind
from matinee.surfaces.taste import FEW, MOST, GenreSets, everybody, intents, name_tastes, with_taste

GENRES = [["Western"], ["Drama", "Western"], ["Drama", "Western"], ["Drama"], [], ["Comedy", "Drama"]]
CATALOG = catalog_of(GENRES)
COMEDY, DRAMA, WESTERN = range(3)
SHARES = np.array([0.3, 0.6, 0.1], np.float32)
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def mixture(likes: list[int]) -> np.ndarray:
    return intents(Histories.of_items([likes]).tastes, CATALOG, SHARES)[0]


def test_whoever_liked_nothing_is_after_what_everybody_is_after():
    np.testing.assert_allclose(mixture([]), [0.3 * 0.75, 0.6 * 0.75, 0.1 * 0.75, 0.25], rtol=1e-6)


def test_a_like_of_one_genre_weighs_as_much_as_everybody():
    np.testing.assert_allclose(mixture([3]), (everybody(SHARES) + np.eye(4)[DRAMA]) / 2, rtol=1e-6)
    np.testing.assert_allclose(mixture([4]), (everybody(SHARES) + np.eye(4)[3]) / 2, rtol=1e-6)


def test_the_narrow_genre_explains_what_is_of_both():
    likes = mixture([0, 1, 2])
    assert likes[WESTERN] > 0.6
    assert likes[DRAMA] < everybody(SHARES)[DRAMA]
    assert likes.sum() == pytest.approx(1.0)


def test_worth_follows_the_lift_of_the_genres_while_likes_are_few():
    worth = np.full((2, len(GENRES)), 0.01, np.float32)
    tastes = Histories.of_items([[], [3]]).tastes
    pi = intents(tastes, CATALOG, SHARES)
    found = with_taste(worth, tastes, pi, GenreSets.of(CATALOG), SHARES)
    ratio = pi[1] / everybody(SHARES)
    mean = [ratio[WESTERN], (ratio[DRAMA] + ratio[WESTERN]) / 2, (ratio[DRAMA] + ratio[WESTERN]) / 2]
    mean += [ratio[DRAMA], ratio[3], (ratio[COMEDY] + ratio[DRAMA]) / 2]
    np.testing.assert_allclose(found[0], worth[0])
    np.testing.assert_allclose(found[1], 0.01 * np.array(mean) ** (FEW / (FEW + 1)), rtol=1e-5)


def test_many_likes_leave_worth_to_the_model():
    worth = np.full((1, 1_000), 0.01, np.float32)
    catalog = catalog_of([["Western"] if at < 100 else ["Drama"] for at in range(1_000)])
    shares, tastes = np.array([0.9, 0.1], np.float32), Histories.of_items([list(range(100))]).tastes
    found = with_taste(worth, tastes, intents(tastes, catalog, shares), GenreSets.of(catalog), shares)
    assert 1.0 < found[0, 0] / found[0, -1] < 1.5


@pytest.mark.parametrize("model", ["ease-recent", "popularity"])
def test_three_likes_of_any_genre_show_on_the_next_page(model, monkeypatch, ml100k):
    """A row of the genre in the first three in 9 of 10 draws, a third of the first 21 places; the best page always."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.chdir(BENCHMARKS.parent)
    import bench_three_likes as bench

    policy = bench.made(model)
    found = bench.table(policy)
    assert {"Western", "Film-Noir", "Drama", "Comedy"} <= set(found)
    for genre, (rows, share, best_row, best_share) in found.items():
        assert rows >= 0.9, f"{genre}: a row in {rows:.0%} of the draws"
        assert share >= 1 / 3, f"{genre}: {share:.0%} of the first places"
        assert best_row, f"{genre}: no row on the best page"
        assert best_share >= 1 / 3, f"{genre}: {best_share:.0%} of the first places of the best page"
    monkeypatch.setattr(bench, "NEWCOMERS", 60)
    if policy.config.rows.because_rows:
        assert bench.unnamed(policy) == 0.0, "somebody meets no row that names what they picked"


def test_a_row_that_names_a_liked_title_is_worth_more_by_its_share_of_the_likes():
    pools = pools_of([[(2, 0.1)], [(4, 0.4)], [(5, 0.1)]])
    pools.kinds[0, 1:] = RowKind.BECAUSE_YOU_LIKED, RowKind.BECAUSE_YOU_WATCHED, RowKind.TOP_PICKS
    pools.keys[0, 1:] = 3, 0, -1
    tastes = Histories.of_items([[3, 0, 1]]).tastes
    tastes.weights[:] = 1.0, 0.5, 0.5
    name_tastes(pools, tastes, intents(tastes, CATALOG, SHARES), CATALOG, SHARES)
    assert pools.worths[0, 1:, 0].tolist() == pytest.approx([0.1 * 1.25, 0.4 * 1.125, 0.1])


def test_a_row_is_never_worth_more_than_sure():
    pools = pools_of([[(2, 0.99)]])
    pools.kinds[0, 1], pools.keys[0, 1] = RowKind.BECAUSE_YOU_LIKED, 3
    tastes = Histories.of_items([[3]]).tastes
    name_tastes(pools, tastes, intents(tastes, CATALOG, SHARES), CATALOG, SHARES)
    assert pools.worths[0, 1, 0] == MOST
