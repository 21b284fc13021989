"""User neighbours: similarities and sums against plain numpy, reasons as the largest term, damage."""

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.maths.member_similarity import nearest_members
from matinee.models.user_neighbors import UserNeighbors, UserNeighborsConfig
from matinee.testing import check_scorer, checkerboard, make_catalog, make_data, make_events


@pytest.mark.parametrize("weighting", ["cosine", "tfidf"])
def test_keeps_the_contract(weighting):
    check_scorer(lambda: UserNeighbors(UserNeighborsConfig(k=10, weighting=weighting)))


def random_data(members=60, titles=20, seed=0):
    rng = np.random.default_rng(seed)
    likes = [rng.choice(titles, rng.integers(1, 9), replace=False).tolist() for _ in range(members)]
    return make_data(make_events(likes), make_catalog(titles))


def reference(data, history, config):
    """Terms (history, titles) of the score: each title of the history through each of the nearest members."""
    likes = data.matrix.toarray().astype(np.float64)
    weights = np.ones(likes.shape[1])
    if config.weighting == "tfidf":
        weights = np.maximum(np.log((1 + len(likes)) / (1 + likes.sum(axis=0))), 0)
    a = np.zeros(likes.shape[1])
    a[history] = 1.0
    if config.half_life:
        a[history] = 0.5 ** (np.arange(len(history))[::-1] / config.half_life)
    a *= weights
    b = likes * weights
    norms = np.linalg.norm(a) * np.linalg.norm(b, axis=1) + config.shrinkage
    similar = b @ a / norms
    chosen = np.sort(np.argsort(-similar, kind="stable")[: config.k])
    chosen = chosen[similar[chosen] > 0]
    return np.array([(a[j] * b[chosen, j] / norms[chosen]) @ likes[chosen] for j in history])


CONFIGS = [
    UserNeighborsConfig(k=60, kappa=1e-12),
    UserNeighborsConfig(k=7, weighting="cosine", shrinkage=0.0, kappa=1e-12),
    UserNeighborsConfig(k=15, half_life=2.0, shrinkage=100.0, kappa=1e-12),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_scores_and_reasons_are_those_of_the_formula(config):
    data = random_data()
    scorer = UserNeighbors(config).fit(data, np.random.default_rng(0))
    history = [3, 8, 11, 2]
    terms = reference(data, history, config)
    requests = Requests.of_histories(Histories.of_items([history]))
    np.testing.assert_allclose(scorer.score(requests)[0], terms.sum(axis=0), rtol=1e-4, atol=1e-6)
    reasons = scorer.explain(requests, np.arange(20, dtype=np.int32)[None])[0]
    for i, reason in enumerate(reasons):
        if reason < 0:
            assert terms[:, i].max() <= 1e-9
        else:
            assert terms[history.index(reason), i] >= terms[:, i].max() * (1 - 1e-5)


def test_cosine_by_hand():
    """Members a {0, 1}, b {0, 2}, c {3}; a history {1} is like a alone: 1 / sqrt(2), and a liked 0 and 1."""
    data = make_data(make_events([[0, 1], [0, 2], [3]]), make_catalog(4))
    config = UserNeighborsConfig(weighting="cosine", shrinkage=0.0, kappa=1e-12)
    scorer = UserNeighbors(config).fit(data, np.random.default_rng(0))
    scores = scorer.score(Requests.of_histories(Histories.of_items([[1]])))[0]
    np.testing.assert_allclose(scores, [1 / np.sqrt(2), 1 / np.sqrt(2), 0, 0], atol=1e-6)


def test_a_play_that_nobody_shares_gives_no_reason():
    data = make_data(make_events([[0, 1], [0, 2]]), make_catalog(4))
    scorer = UserNeighbors().fit(data, np.random.default_rng(0))
    requests = Requests.of_histories(Histories.of_items([[3], []]))
    assert scorer.explain(requests, np.array([[0, 1], [2, 3]], np.int32)).tolist() == [[-1, -1], [-1, -1]]


def test_shrinkage_trusts_long_overlaps_more():
    """One member shares one title of one, the other three of nine: cosine prefers the first, shrinkage the second."""
    data = make_data(make_events([[0, 9], [0, 1, 2, 3, 4, 5, 6, 7, 8]]), make_catalog(10))
    requests = Requests.of_histories(Histories.of_items([[0, 1, 2]]))

    def gap(shrinkage):
        config = UserNeighborsConfig(weighting="cosine", shrinkage=shrinkage, kappa=1e-12)
        scores = UserNeighbors(config).fit(data, np.random.default_rng(0)).score(requests)[0]
        return scores[8] / scores[9]

    assert gap(50.0) > gap(0.0)


@pytest.mark.parametrize("k", [1, 3, 5, 9])
def test_the_nearest_are_exactly_k_whatever_the_ties(k):
    similar = np.array([0.5, 0.0, 0.5, 0.9, 0.5, 0.1], np.float32)
    found = nearest_members(similar, k)
    assert len(found) == min(k, 5)
    assert sorted(similar[found], reverse=True) == sorted(similar[similar > 0], reverse=True)[:k]


@pytest.mark.parametrize("damage", ["outside", "empty", "backwards"])
def test_rows_that_would_read_outside_memory_are_refused(tmp_path, damage):
    UserNeighbors().fit(checkerboard(), np.random.default_rng(0)).save(tmp_path)
    name = "titles" if damage == "outside" else "starts"
    array = np.load(tmp_path / f"{name}.npy")
    if damage == "empty":
        array = array[:0]
    else:
        array[1] = 10**6 if damage == "outside" else -5
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(ArtifactRefused):
        UserNeighbors.load(tmp_path)


@pytest.mark.parametrize("bad", [{"k": 0}, {"weighting": "bm25"}, {"shrinkage": -1}, {"half_life": 0}, {"kappa": 0}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(BadRequest):
        UserNeighborsConfig(**bad)
