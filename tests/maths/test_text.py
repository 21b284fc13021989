"""Bags of words as vectors: arithmetic, and the singular value decompositions of other libraries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

from matinee.maths.text import directions, informativeness, tfidf, unit_rows
from matinee.testing import assert_same

COUNTS = sparse.csr_matrix(np.array([[1.0, 2.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))


def random_bags(titles: int, words: int, seed: int) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    return sparse.csr_matrix(rng.poisson(0.3, (titles, words)).astype(np.float64))


def test_a_word_of_all_bags_tells_nothing_and_a_rare_one_most():
    np.testing.assert_allclose(informativeness(COUNTS), [0.0, np.log(4 / 3), np.log(4 / 2)])


def test_tfidf_by_hand():
    idf = np.array([0.0, 1.0, 2.0])
    rows = tfidf(COUNTS, idf).toarray()
    np.testing.assert_allclose(rows[0], [0, 1, 0])
    np.testing.assert_allclose(rows[1], 0)
    np.testing.assert_allclose(rows[2], np.array([0, 1, 2]) / np.sqrt(5), rtol=1e-6)
    assert rows.dtype == np.float32


def test_twice_the_word_counts_one_plus_log_two():
    rows = tfidf(sparse.csr_matrix(np.array([[2.0, 1.0]])), np.ones(2)).toarray()
    assert rows[0, 0] / rows[0, 1] == pytest.approx(1 + np.log(2))


def test_the_directions_span_what_another_library_finds():
    rows = unit_rows(random_bags(300, 40, 1))
    ours = directions(rows, 6).astype(np.float64)
    ours /= np.linalg.norm(ours, axis=0)
    theirs = TruncatedSVD(6, algorithm="arpack", random_state=0).fit(rows.astype(np.float64)).components_
    np.testing.assert_allclose(ours @ ours.T, theirs.T @ theirs, atol=1e-5)


def test_dense_rows_and_few_rows_give_the_same_directions():
    rows = unit_rows(random_bags(20, 40, 2)).astype(np.float64)
    np.testing.assert_allclose(directions(rows, 5), directions(rows.toarray(), 5), atol=1e-6)
    few = directions(rows[:4], 6)  # fewer rows than directions: a full decomposition
    assert few.shape == (40, 4)


def test_directions_without_weight_are_left_out():
    rank_two = sparse.csr_matrix(np.tile(np.array([[1.0, 0, 1.0, 0], [0, 1.0, 0, 1.0]]), (10, 1)))
    assert directions(rank_two, 3).shape == (4, 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 30), st.integers(1, 12), st.integers(0, 10**6))
def test_rows_have_a_mean_squared_length_of_one_and_bytes_are_reproducible(titles, words, k, seed):
    rows = unit_rows(random_bags(titles, words, seed))
    basis = directions(rows, k)
    assert basis.shape[0] == words
    assert basis.shape[1] <= k
    assert_same(basis, directions(rows, k))
    lengths = np.asarray((rows @ basis) ** 2).sum(axis=1)
    if (lengths > 1e-9).any():
        assert lengths[lengths > 0].mean() == pytest.approx(1, rel=1e-4)
    assert np.isfinite(basis).all()
