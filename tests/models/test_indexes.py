"""Indexes of title vectors: the exact one is exact, the approximate one keeps the recall that it promises."""

import numpy as np
import pytest

from matinee.errors import BadRequest
from matinee.models.approximate_index import ApproximateIndex
from matinee.models.exact_index import ExactIndex

K = 100


def clustered(n, rng, centres):
    return (centres[rng.integers(0, len(centres), n)] + 0.7 * rng.normal(size=(n, centres.shape[1]))).astype(np.float32)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, 16))
    lengths = rng.gamma(4.0, 0.25, (20_000, 1)).astype(np.float32)
    return clustered(20_000, rng, centres) * lengths, clustered(900, rng, centres)


def test_the_exact_index_is_a_sort(world):
    vectors, queries = world
    items, products = ExactIndex(vectors).search(queries[:5], K)
    full = queries[:5] @ vectors.T
    np.testing.assert_allclose(products, -np.sort(-full, axis=1)[:, :K], rtol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(full, items, axis=1), products, rtol=1e-5)
    assert np.array_equal(ExactIndex(vectors, threads=3).search(queries[:1], K)[0], items[:1])


def test_the_approximate_index_keeps_its_recall_on_queries_it_was_not_built_with(world):
    """Mean recall of 400 fresh queries; its standard error is below .005, so .97 is four of them under the promise."""
    vectors, queries = world
    index = ApproximateIndex(vectors, queries[:500], np.random.default_rng(1), recall=0.99)
    assert index.measured_recall >= 0.99
    exact, found = ExactIndex(vectors).search(queries[500:], K)[0], index.search(queries[500:], K)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(exact, found[0], strict=True)]) > 0.97
    assert (np.diff(found[1], axis=1) <= 0).all()
    assert index.probes < 141, "reading every cell is no index"


def test_few_titles_and_bad_promises():
    vectors = np.eye(3, dtype=np.float32)
    items, products = ApproximateIndex(vectors, vectors, np.random.default_rng(0)).search(vectors[:1], 5)
    assert items[0, 0] == 0
    assert products[0, 0] == 1.0
    assert (items[0, 3:] == -1).all()
    assert np.isneginf(products[0, 3:]).all()
    with pytest.raises(BadRequest, match="recall is 0"):
        ApproximateIndex(vectors, vectors, np.random.default_rng(0), recall=0)
