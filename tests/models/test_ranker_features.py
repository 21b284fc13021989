"""Features of the second stage and the blend: known answers, ties, and what trees learn from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.decision import Context, Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.ranking.blend import fit_blend
from matinee.models.ranking.boosting import fit_trees
from matinee.models.ranking.features import (
    ABOUT_BOTH,
    ABOUT_REQUESTS,
    ABOUT_TITLES,
    Candidates,
    TitleFacts,
    component_features,
    standardised,
)
from matinee.models.ranking.trees import Lists, TreesConfig
from matinee.testing.worlds import make_catalog, make_data, make_events

NAMES = (*ABOUT_TITLES, *ABOUT_REQUESTS, *ABOUT_BOTH)
DAY = 86_400


def test_rows_are_standardised_and_equals_are_zero():
    z = standardised(np.array([[1, 2, 3, 4], [5, 5, 5, 5]], np.float32))
    # deviations -1.5, -.5, .5, 1.5 over sqrt(1.25)
    np.testing.assert_allclose(z, [[-1.342, -0.447, 0.447, 1.342], [0, 0, 0, 0]], atol=1e-6)


def test_ranks_count_from_the_best_and_equals_share_the_better_place():
    candidates = Candidates(np.array([0, 4, 4, 6]), np.arange(6))
    found = component_features(np.array([1, 3, 3, 2, 5, 7], np.float32), candidates)
    np.testing.assert_array_equal(found[:, 1], [3, 0, 0, 2, 1, 0])
    np.testing.assert_array_equal(found[:, 2], [2, 0, 0, 1, 2, 0])


def test_candidates_are_the_union_without_what_is_known():
    scores = [np.array([[5, 4, 3, 2, 1]], np.float32), np.array([[1, 2, 3, 4, 5]], np.float32)]
    found = Candidates.best_of(scores, Histories.of_items([[0]]), 2)
    np.testing.assert_array_equal(found.items, [1, 2, 3, 4])
    none = Candidates.best_of(scores, Histories.of_items([[0, 1, 2, 3, 4]]), 2)
    assert none.offsets.tolist() == [0, 0]


def feature(requests, items, data, name):
    facts = TitleFacts.fit(data)
    candidates = Candidates(np.array([0, len(items)]), np.array(items))
    return facts.features(requests, candidates)[:, NAMES.index(name)]


def test_likes_are_counted_by_window():
    seconds = [[0, 25 * DAY, 29 * DAY]]
    data = make_data(make_events([[0, 1, 2]], seconds), make_catalog(3))
    requests = Requests.of_histories(Histories.empty(1))
    for name, expected in (("likes_1d", [0, 0, 1]), ("likes_7d", [0, 1, 1]), ("likes", [1, 1, 1])):
        np.testing.assert_allclose(feature(requests, [0, 1, 2], data, name), np.log1p(expected), rtol=1e-6)


def test_genres_and_the_situation_are_read():
    catalog = make_catalog(3, genres=[["War"], ["War", "Drama"], ["Comedy"]])
    data = make_data(make_events([[0, 1, 2]]), catalog)
    requests = Requests.of_histories(Histories.of_items([[0]]), contexts=(Context("DK", "tv", None, 20, 4),))
    np.testing.assert_allclose(feature(requests, [1, 2], data, "genres_1"), [2**-0.5, 0], atol=1e-3)
    np.testing.assert_array_equal(feature(requests, [1, 2], data, "hour"), [20, 20])
    np.testing.assert_array_equal(feature(requests, [1, 2], data, "device"), [4, 4])


def test_what_is_unknown_is_nan_and_not_a_number_of_its_own():
    data = make_data(make_events([[0]]), make_catalog(2))
    nobody = Requests.of_histories(Histories.empty(1))
    for name in ("age", "gap", "recent_years", "years_1"):
        assert np.isnan(feature(nobody, [0, 1], data, name)).all()


def lists_of(rng, lists=300, rows=8):
    """The first feature tells the relevant row, the second is noise, and a third turns the first round."""
    features = rng.normal(size=(lists * rows, 3)).astype(np.float32)
    features[:, 2] = np.repeat(rng.integers(2, size=lists), rows)
    value = features[:, 0].reshape(lists, rows) * np.where(features[::rows, 2] > 0, 1, -1)[:, None]
    relevant = (value == value.max(axis=1, keepdims=True)).ravel()
    return Lists(np.arange(lists + 1) * rows, features, relevant, np.zeros(lists * rows))


def test_without_lists_the_blend_is_even():
    np.testing.assert_allclose(fit_blend(Lists.joined([], 4), 4, 1.0), [0.25] * 4)


@given(st.integers(0, 10_000))
def test_the_blend_is_where_the_loss_is_least(seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(60, 3)).astype(np.float32)
    relevant = np.zeros(60, np.bool_)
    relevant[np.arange(0, 60, 6) + rng.integers(6, size=10)] = True
    lists = Lists(np.arange(0, 61, 6), features, relevant, np.zeros(60))

    def loss(weights):
        values = (features @ weights).reshape(10, 6)
        log_share = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
        return -log_share.ravel()[relevant].sum() + 2.0 * ((weights - 1 / 3) ** 2).sum()

    found = fit_blend(lists, 3, 2.0)
    assert (found >= 0).all()
    for step in 1e-2 * np.vstack([np.eye(3), -np.eye(3)]):
        assert loss(found) <= loss(np.maximum(found + step, 0)) + 1e-6


def test_trees_learn_what_no_blend_can():
    lists = lists_of(np.random.default_rng(0))
    part = np.arange(len(lists)) % 5
    trees = fit_trees(lists, part, "lambdarank", TreesConfig(least=20, threads=1), np.random.default_rng(1))
    fresh = lists_of(np.random.default_rng(2))
    best = trees.predict(fresh.features).reshape(300, 8).argmax(axis=1)
    hit = fresh.relevant.reshape(300, 8)[np.arange(300), best].mean()
    assert hit > 0.6  # chance is 1/8 and the best single feature 1/8 too, its sign being a coin; se below .03


@pytest.mark.parametrize("fields", [{"rounds": 0}, {"leaves": 1}, {"rate": 0.0}, {"share": 1.5}, {"ridge": -1.0}])
def test_senseless_trees_are_refused(fields):
    with pytest.raises(BadRequest):
        TreesConfig(**fields)
