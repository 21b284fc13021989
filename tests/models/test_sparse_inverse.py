"""The sparse inverse: each column against its own ridge regression in numpy, and EASE as the limit."""

import numpy as np
import pytest
from scipy import sparse

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.maths.local_gram import gram_of, local_ridge, solve_lower
from matinee.maths.sparse_dense import compressed
from matinee.models.linear_autoencoder import fit_map
from matinee.models.sparse_inverse import SparseInverse, SparseInverseConfig, fit_rows
from matinee.testing import check_scorer, make_catalog, make_data, make_events


def test_keeps_the_contract():
    check_scorer(lambda: SparseInverse(SparseInverseConfig(neighbors=5, l2=1.0)))


def random_likes(members=120, titles=30, seed=0, share=0.2):
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix((rng.random((members, titles)) < share).astype(np.float32))


def dense_map(likes, config):
    starts, titles, values = fit_rows(likes, config)
    return sparse.csr_matrix((values, titles, starts), shape=(likes.shape[1],) * 2).toarray()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_with_all_titles_as_neighbours_it_is_ease(dropout):
    likes = random_likes(share=0.5)
    ours = dense_map(likes, SparseInverseConfig(neighbors=30, l2=7.0, dropout=dropout))
    np.testing.assert_allclose(ours, fit_map(likes, 7.0, dropout), atol=1e-5)


def test_each_column_is_its_own_ridge_regression():
    likes = random_likes()
    dense = likes.toarray().astype(np.float64)
    rng = np.random.default_rng(1)
    lists = [np.sort(rng.choice(np.delete(np.arange(30), i), i % 9, replace=False)) for i in range(30)]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in lists])])
    titles = np.concatenate(lists).astype(np.int32)
    for threads in (1, 3):
        values = local_ridge(likes, starts, titles, 3.0, 0.5, threads)
        for i, chosen in enumerate(lists):
            x = dense[:, chosen]
            system = x.T @ x + np.diag(0.5 * (x**2).sum(axis=0) + 3.0)
            expected = np.linalg.solve(system, x.T @ dense[:, i])
            np.testing.assert_allclose(values[starts[i] : starts[i + 1]], expected, atol=1e-5)


def test_the_gram_matrix_of_some_columns_leaves_its_room_clean():
    rng = np.random.default_rng(2)
    likes = random_likes().multiply(rng.random((120, 30))).astype(np.float32).tocsc()
    begins, ends = np.zeros(120, np.int64), np.zeros(120, np.int64)
    for chosen in ([3, 9, 4], [], [7], list(range(30))):
        found = gram_of(np.array(chosen, np.int32), *compressed(likes), begins, ends)
        part = likes[:, chosen].toarray()
        np.testing.assert_allclose(found, np.tril(part.T @ part), atol=1e-5)
        assert not begins.any()
        assert not ends.any()


@pytest.mark.parametrize("m", [0, 1, 2, 17, 60])
def test_small_systems_are_solved(m):
    rng = np.random.default_rng(m)
    root = rng.normal(size=(m, m))
    system, answer = root @ root.T + np.eye(m), rng.normal(size=m)
    right = (system @ answer).astype(np.float32)
    solve_lower(np.tril(system).astype(np.float32), right)
    np.testing.assert_allclose(right, answer, atol=2e-3)


def test_memory_grows_with_the_neighbours():
    likes = random_likes(titles=60)
    for neighbors in (3, 10):
        starts, titles, values = fit_rows(likes, SparseInverseConfig(neighbors=neighbors))
        assert starts[-1] == len(titles) == len(values) <= 60 * neighbors


def test_reasons_are_positive_terms():
    rng = np.random.default_rng(0)
    data = make_data(make_events([rng.choice(12, 4, replace=False).tolist() for _ in range(50)]), make_catalog(12))
    config = SparseInverseConfig(neighbors=6, l2=2.0)
    scorer = SparseInverse(config).fit(data, rng)
    seen = np.array([1, 4, 9])
    terms = dense_map(data.matrix, config)[seen]
    expected = np.where(terms.max(axis=0) > 0, seen[terms.argmax(axis=0)], -1)
    requests = Requests.of_histories(Histories.of_items([seen.tolist()]))
    np.testing.assert_array_equal(scorer.explain(requests, np.arange(12, dtype=np.int32)[None])[0], expected)


@pytest.mark.parametrize("bad", [{"neighbors": 0}, {"l2": -1}, {"dropout": 1.0}, {"dropout": -0.1}, {"kappa": 0}])
def test_bad_settings_are_refused(bad):
    with pytest.raises(BadRequest):
        SparseInverseConfig(**bad)
