"""The kernels of scoring against plain numpy, on random shapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from matinee.maths import sparse_dense as sd

shapes = st.tuples(st.integers(0, 5), st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**32 - 1))


def draw(batch, n, m, seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 25, batch)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    items = rng.integers(0, n, offsets[-1]).astype(np.int32)
    weights = rng.random(offsets[-1]).astype(np.float32)
    dense = (rng.normal(size=(n, m)) * (rng.random((n, m)) < 0.5)).astype(np.float32)
    return rng, offsets, items, weights, dense


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_rows_are_added(shape):
    batch, n, m, seed = shape
    rng, offsets, items, weights, dense = draw(batch, n, m, seed)
    start = rng.normal(size=(batch, m)).astype(np.float32)
    history = sparse.csr_matrix((weights, items, offsets), shape=(batch, n))
    out, other = start.copy(), start.copy()
    sd.add_rows(offsets, items, weights, dense, out)
    np.testing.assert_allclose(out, start + history.toarray() @ dense, atol=1e-4)
    rows = sparse.csr_matrix(dense)
    sd.add_sparse_rows(offsets, items, weights, *sd.compressed(rows), other)
    np.testing.assert_allclose(other, out, atol=1e-4)


@settings(max_examples=60, deadline=None)
@given(shapes)
def test_the_strongest_title_is_found(shape):
    batch, n, m, seed = shape
    rng, offsets, items, weights, dense = draw(batch, n, m, seed)
    asked = rng.integers(-1, m, (batch, 7)).astype(np.int32)
    best = sd.strongest(offsets, items, weights, dense, asked)
    rows = sd.compressed(sparse.csr_matrix(dense))
    np.testing.assert_array_equal(sd.strongest_sparse(offsets, items, weights, *rows, asked), best)
    for b in range(batch):
        seen, weight = items[offsets[b] : offsets[b + 1]], weights[offsets[b] : offsets[b + 1]]
        for c, column in enumerate(asked[b]):
            terms = weight * dense[seen, column] if column >= 0 else np.zeros(0)
            if not (terms > 0).any():
                assert best[b, c] == -1
            else:
                assert terms[seen == best[b, c]].max() == terms.max()


@pytest.mark.parametrize("m", [7, sd.SMALL_BLOCK + 5])
def test_sums_and_strongest_in_one_pass_are_those_of_two(m):
    _, offsets, items, weights, dense = draw(9, 40, m, 3)
    start = np.random.default_rng(4).normal(size=(9, m)).astype(np.float32)
    apart, at_once = start.copy(), start.copy()
    sd.add_rows(offsets, items, weights, dense, apart)
    every = np.tile(np.arange(m, dtype=np.int32), (9, 1))
    found = sd.add_rows_and_strongest(offsets, items, weights, dense, at_once)
    np.testing.assert_allclose(at_once, apart, atol=1e-5)
    np.testing.assert_array_equal(found, sd.strongest(offsets, items, weights, dense, every))


def test_a_part_is_added_to_the_columns_that_it_has():
    out, part = np.array([[1, 2, 3], [4, 5, 6]], np.float32), np.array([[10, 20], [30, 40]], np.float32)
    sd.add_columns(part, np.array([2, 0], np.int32), out)
    assert out.tolist() == [[21, 2, 13], [44, 5, 36]]


def test_columns_beyond_one_block():
    m = sd.BLOCK + 5
    dense = np.arange(3 * m, dtype=np.float32).reshape(3, m) / m
    out = np.zeros((1, m), np.float32)
    sd.add_rows(np.array([0, 2]), np.array([2, 0], np.int32), np.array([1.0, 2.0], np.float32), dense, out)
    np.testing.assert_allclose(out[0], dense[2] + 2 * dense[0], rtol=1e-6)


def test_chunks_cover_everything_once():
    for rows in (0, 1, 5, 64, 1_000):
        for chunks in (1, 3, 64):
            bounds = sd.even_bounds(rows, chunks)
            assert bounds[0] == 0
            assert bounds[-1] == rows
            assert (np.diff(bounds) > 0).all()


def test_an_error_in_a_thread_is_raised():
    def work(start, end):
        if start:
            raise ValueError("second chunk")

    for threads in (1, 2):
        with pytest.raises(ValueError, match="second chunk"):
            sd.in_chunks(work, np.array([0, 1, 2]), threads)
