"""Item neighbours: cosine by hand, the other weightings against an independent library."""

import warnings

import numpy as np
import pytest
from scipy import sparse

from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.maths.similarity import nearest, weighted
from matinee.models.neighbors import Neighbors, NeighborsConfig
from matinee.testing import check_scorer, checkerboard, make_catalog, make_data, make_events


@pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
def test_keeps_the_contract(weighting):
    check_scorer(lambda: Neighbors(NeighborsConfig(weighting=weighting)))


def test_cosine_by_hand():
    """Title 0 is liked by a, b, c; title 1 by a, b; title 2 by c; title 3 by nobody."""
    data = make_data(make_events([[0, 1], [0, 1], [0, 2]]), make_catalog(4))
    scorer = Neighbors(NeighborsConfig(weighting="cosine", kappa=1e-12)).fit(data, np.random.default_rng(0))
    similar = 2 / np.sqrt(3 * 2), 1 / np.sqrt(3 * 1)
    scores = scorer.score(Requests.of_histories(Histories.of_items([[0], [1], [1, 2]])))
    expected = [[0, similar[0], similar[1], 0], [similar[0], 0, 0, 0], [similar[0] + similar[1], 0, 0, 0]]
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_recency_halves_older_likes():
    data = make_data(make_events([[0, 1], [0, 1], [0, 2]]), make_catalog(4))
    config = NeighborsConfig(weighting="cosine", kappa=1e-12, half_life=1.0)
    scorer = Neighbors(config).fit(data, np.random.default_rng(0))
    scores = scorer.score(Requests.of_histories(Histories.of_items([[1, 2]])))
    np.testing.assert_allclose(scores[0, 0], 0.5 * 2 / np.sqrt(6) + 1 / np.sqrt(3), atol=1e-6)


def random_likes(members=200, titles=60, seed=0):
    rng = np.random.default_rng(seed)
    odds = 0.4 / np.sqrt(np.arange(1, titles + 1))
    dense = rng.random((members, titles)) < odds
    dense[:, 0] |= ~dense.any(axis=1)
    dense[0] = True
    return sparse.csr_matrix(dense.astype(np.float32))


@pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
def test_agrees_with_implicit(weighting):
    """The member who likes everything is left out: the library lets their weight go negative, we stop at 0."""
    library = pytest.importorskip("implicit.nearest_neighbours")
    likes = random_likes()[1:]
    makers = {
        "cosine": library.CosineRecommender,
        "tfidf": library.TFIDFRecommender,
        "bm25": lambda K: library.BM25Recommender(K=K, K1=1.2, B=0.75),
    }
    theirs = makers[weighting](K=60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(likes.astype(np.float64), show_progress=False)
    expected = theirs.similarity.toarray()
    np.fill_diagonal(expected, 0.0)
    starts, titles, values = nearest(weighted(likes, weighting), 60)
    ours = sparse.csr_matrix((values, titles, starts), shape=(60, 60)).toarray()
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 3])
def test_only_the_nearest_are_kept(threads):
    weights = weighted(random_likes(), "cosine")
    full = (weights.T @ weights).toarray()
    np.fill_diagonal(full, 0.0)
    starts, titles, values = nearest(weights, 7, threads=threads)
    for i in range(60):
        kept = titles[starts[i] : starts[i + 1]]
        assert len(kept) == min(7, np.count_nonzero(full[i] > 0))
        np.testing.assert_allclose(values[starts[i] : starts[i + 1]], full[i, kept], rtol=1e-5)
        rest = np.delete(full[i], kept)
        assert rest.max() <= full[i, kept].min() + 1e-6


def test_the_reason_is_the_most_similar():
    data = make_data(make_events([[0, 1], [0, 1], [0, 2], [3, 2]]), make_catalog(5))
    scorer = Neighbors(NeighborsConfig(weighting="cosine")).fit(data, np.random.default_rng(0))
    requests = Requests.of_histories(Histories.of_items([[1, 2]]))
    items = np.array([[0, 3, 4, 1, 0]], np.int32)
    assert scorer.explain(requests, items).tolist() == [[1, 2, -1, -1, 1]]


@pytest.mark.parametrize("damage", ["outside", "backwards", "short"])
def test_lists_that_would_read_outside_memory_are_refused(tmp_path, damage):
    Neighbors().fit(checkerboard(), np.random.default_rng(0)).save(tmp_path)
    name = "titles" if damage == "outside" else "starts"
    array = np.load(tmp_path / f"{name}.npy")
    if damage == "short":
        array = array[:-1]
    else:
        array[1] = 10**6 if damage == "outside" else -5
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(ArtifactRefused):
        Neighbors.load(tmp_path)


@pytest.mark.parametrize("bad", [{"k": 0}, {"weighting": "jaccard"}, {"half_life": -1}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(BadRequest):
        NeighborsConfig(**bad)
