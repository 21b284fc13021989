"""SLIM: the elastic net by its optimality conditions and against scikit-learn, reasons, damage."""

import numpy as np
import pytest
from scipy import sparse

from matinee.decision import Requests, no_progress
from matinee.errors import ArtifactRefused, BadRequest, TooLarge
from matinee.history import Histories
from matinee.maths.elastic_net import TOLERANCE, nonnegative, nonnegative_among
from matinee.models.slim import Slim, SlimConfig, require_memory
from matinee.testing import assert_same, check_scorer, checkerboard, make_catalog, make_data, make_events


@pytest.mark.parametrize("candidates", [None, 6])
def test_keeps_the_contract(candidates):
    check_scorer(lambda: Slim(SlimConfig(l1=0.1, l2=1.0, candidates=candidates)))


def random_likes(members=150, titles=40, seed=0):
    rng = np.random.default_rng(seed)
    taste = rng.random((members, 3)) @ rng.random((3, titles))
    return sparse.csr_matrix((rng.random((members, titles)) < 0.25 * taste).astype(np.float32))


def everything(titles):
    """Every other title as a candidate of each."""
    lists = [np.delete(np.arange(titles), i) for i in range(titles)]
    return np.arange(titles + 1) * (titles - 1), np.concatenate(lists).astype(np.int32)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 5.0), (1.0, 5.0), (3.0, 20.0), (20.0, 1.0)])
@pytest.mark.parametrize("titles", [40, 200])
def test_no_weight_can_be_improved(l1, l2, titles):
    """At the minimum the slope is 0 where a weight is positive and not below 0 where it is 0 (Karush, Kuhn, Tucker)."""
    likes = random_likes(titles=titles)
    weights = nonnegative(likes, l1, l2).toarray().astype(np.float64)
    dense = likes.toarray().astype(np.float64)
    square = dense.T @ dense
    slopes = weights @ square - square + l1 + l2 * weights
    np.fill_diagonal(slopes, 0.0)
    assert (weights >= 0).all()
    assert (np.diag(weights) == 0).all()
    steepest = TOLERANCE * square.sum(axis=1).max()  # a last pass may move every weight by as much
    assert np.abs(slopes[weights > 0]).max(initial=0) <= steepest
    assert slopes.min() >= -steepest


def test_agrees_with_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    likes = random_likes()
    members, titles = likes.shape
    dense = likes.toarray().astype(np.float64)
    l1, l2 = 1.0, 8.0
    weights = nonnegative(likes, l1, l2).toarray()
    theirs = linear.ElasticNet(
        alpha=(l1 + l2) / members, l1_ratio=l1 / (l1 + l2), positive=True, fit_intercept=False, tol=1e-10, max_iter=9999
    )
    for i in range(0, titles, 7):
        others = dense.copy()
        others[:, i] = 0.0
        np.testing.assert_allclose(weights[i], theirs.fit(others, dense[:, i]).coef_, atol=2e-3)


def test_all_titles_as_candidates_give_the_same_as_no_candidates():
    likes = random_likes()
    among = nonnegative_among(likes, *everything(40), 1.0, 8.0).toarray()
    np.testing.assert_allclose(among, nonnegative(likes, 1.0, 8.0).toarray(), atol=2e-3)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads):
    likes = random_likes(titles=100)
    one = nonnegative(likes, 1.0, 8.0, threads=1)
    assert_same(nonnegative(likes, 1.0, 8.0, threads=threads).toarray(), one.toarray())


def test_titles_that_nobody_liked_take_no_memory_and_change_no_answer(monkeypatch):
    likes = random_likes()
    lists = [likes[row].indices for row in range(likes.shape[0])]
    few, many = (make_data(make_events([(k * one).tolist() for one in lists]), make_catalog(40 * k)) for k in (1, 100))
    config = SlimConfig(l1=1.0, l2=8.0)
    monkeypatch.setattr("matinee.models.slim.available_bytes", lambda: 5 * 40 * 40)
    alone, among = (Slim(config).find_rows(data, no_progress) for data in (few, many))
    np.testing.assert_array_equal(among[1], 100 * alone[1])
    np.testing.assert_allclose(among[2], alone[2], atol=1e-6)
    np.testing.assert_array_equal(among[0][::100][:40], alone[0][:40])


def test_two_twins_share_the_weight():
    """Titles 0 and 1 are liked by the same four members, title 2 by two of these: by symmetry w = n / (2n + l2)."""
    likes = sparse.csr_matrix(np.array([[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 0]], np.float32))
    weights = nonnegative(likes, 0.0, 2.0).toarray()
    np.testing.assert_allclose(weights[2], [2 / (4 + 4 + 2), 2 / (4 + 4 + 2), 0], atol=1e-3)


def test_a_high_l1_leaves_nothing():
    assert nonnegative(random_likes(), 1_000.0, 1.0).nnz == 0


def test_progress_ends_at_one():
    told = []
    Slim(SlimConfig(l1=0.1)).fit(checkerboard(), np.random.default_rng(0), lambda what, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_scores_are_sums_of_weights_and_the_reason_is_the_largest():
    rng = np.random.default_rng(0)
    data = make_data(make_events([rng.choice(15, 5, replace=False).tolist() for _ in range(60)]), make_catalog(15))
    scorer = Slim(SlimConfig(l1=0.5, l2=2.0, kappa=1e-12)).fit(data, rng)
    weights = nonnegative(data.matrix, 0.5, 2.0).toarray()
    seen = [2, 5, 7]
    requests = Requests.of_histories(Histories.of_items([seen]))
    np.testing.assert_allclose(scorer.score(requests)[0], weights[:, seen].sum(axis=1), atol=1e-6)
    terms = weights[:, seen]
    expected = np.where(terms.max(axis=1) > 0, np.array(seen)[terms.argmax(axis=1)], -1)
    np.testing.assert_array_equal(scorer.explain(requests, np.arange(15, dtype=np.int32)[None])[0], expected)


def test_damaged_weights_are_refused(tmp_path):
    Slim(SlimConfig(l1=0.1)).fit(checkerboard(), np.random.default_rng(0)).save(tmp_path)
    np.save(tmp_path / "titles.npy", np.load(tmp_path / "titles.npy") + 10**6)
    with pytest.raises(ArtifactRefused):
        Slim.load(tmp_path)


def test_what_does_not_fit_is_refused_with_the_remedy():
    require_memory(100, 50_000)
    with pytest.raises(TooLarge, match="50,000 bytes and 49,999 are available; set candidates"):
        require_memory(100, 49_999)


@pytest.mark.parametrize("bad", [{"l1": -1}, {"l2": 0}, {"candidates": 0}, {"half_life": 0}, {"kappa": 0}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(BadRequest):
        SlimConfig(**bad)
