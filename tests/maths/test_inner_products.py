"""Largest inner products: against a full sort in whole numbers, with ties, odd sizes, and in parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.maths import inner_products
from matinee.maths.inner_products import TILE, best_inner_products


@pytest.fixture(scope="module", params=[0, inner_products.SMALL], ids=["large", "small"], autouse=True)
def small(request):
    """Bytes up to which a catalogue is small: with 0 a few vectors are scanned in parts too."""
    before = inner_products.SMALL
    inner_products.SMALL = request.param
    yield request.param
    inner_products.SMALL = before


def test_a_small_catalogue_starts_no_thread(small, monkeypatch):
    started = []
    pool = inner_products.ThreadPoolExecutor
    monkeypatch.setattr(inner_products, "ThreadPoolExecutor", lambda n: started.append(n) or pool(n))
    best_inner_products(np.ones((8, 2), np.float32), np.ones((1, 2), np.float32), 3, threads=2)
    assert started == ([] if small else [2])


def by_sorting(vectors, queries, k):
    """Whole numbers are exact in float32, so that a stable sort is the answer, ties included."""
    products = queries @ vectors.T
    items = np.argsort(-products, axis=1, kind="stable")[:, :k]
    return items, np.take_along_axis(products, items, axis=1)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 200),
    st.integers(1, 19),
    st.integers(1, 3),
    st.integers(1, 70),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_equals_a_full_sort(titles, size, batch, k, threads, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (titles, size)).astype(np.float32)
    queries = rng.integers(-2, 3, (batch, size)).astype(np.float32)
    items, products = best_inner_products(vectors, queries, k, threads)
    expected = by_sorting(vectors, queries, k)
    np.testing.assert_array_equal(items, expected[0])
    np.testing.assert_array_equal(products, expected[1])
    assert (items.dtype, products.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("batch", [1, 3])
def test_more_titles_than_a_tile(batch):
    rng = np.random.default_rng(4)
    vectors = rng.integers(-9, 10, (2 * TILE + 5, 7)).astype(np.float32)
    queries = rng.integers(-9, 10, (batch, 7)).astype(np.float32)
    items, _ = best_inner_products(vectors, queries, 50, threads=2)
    np.testing.assert_array_equal(items, by_sorting(vectors, queries, 50)[0])


def test_nothing_is_asked_or_there_is_nothing():
    vectors = np.ones((3, 2), np.float32)
    assert best_inner_products(vectors, np.empty((0, 2), np.float32), 2)[0].shape == (0, 2)
    assert best_inner_products(vectors[:0], vectors[:1], 2)[0].shape == (1, 0)
    assert best_inner_products(vectors, vectors[:1], 0)[0].shape == (1, 0)
