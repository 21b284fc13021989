"""Factor, inverse and square of a triangle: every size around leaves and halves, in place, and only the triangle."""

import numpy as np
import pytest

from matinee.maths import triangle
from matinee.maths.triangle import factor_triangle, invert_triangle, square_triangle


@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 129, 200, 331])
def test_the_triangle_becomes_its_inverse(n, monkeypatch):
    monkeypatch.setattr(triangle, "LEAF", 64)
    rng = np.random.default_rng(n)
    around = rng.normal(size=(n + 3, n + 5)).astype(np.float32)
    part = around[1 : n + 1, 2 : n + 2]
    part /= n
    part[np.diag_indices(n)] = 1 + rng.random(n)
    before = around.copy()
    expected = np.linalg.inv(np.triu(part).astype(np.float64))
    invert_triangle(part)
    np.testing.assert_allclose(np.triu(part), expected, atol=1e-5)
    below = np.ones_like(around, bool)
    below[1 : n + 1, 2 : n + 2] = np.tri(n, k=-1, dtype=bool)
    np.testing.assert_array_equal(around[below], before[below])


def part_of(matrix):
    """The matrix as a corner of a larger one of sevens."""
    n = len(matrix)
    large = np.full((n + 9, n + 5), 7, np.float32)
    large[4 : 4 + n, 2 : 2 + n] = matrix
    return large, large[4 : 4 + n, 2 : 2 + n]


def untouched(large, part, before):
    below = np.tril(np.ones(part.shape, bool), -1)
    np.testing.assert_array_equal(part[below], before[below])
    part[:] = 7
    assert (large == 7).all()


@pytest.mark.parametrize("n", [1, 63, 64, 65, 100, 101, 129, 200, 201, 333, 500])
def test_halves_factor_and_square_as_lapack_does_in_one_piece(n, monkeypatch):
    monkeypatch.setattr(triangle, "WHOLE", 100)
    rng = np.random.default_rng(n)
    likes = rng.random((2 * n, n))
    gram = (likes.T @ likes + n * np.eye(n)).astype(np.float32)
    gram += np.tril(rng.random((n, n)), -1).astype(np.float32)  # what lies below the diagonal is not read
    symmetric = np.triu(gram) + np.triu(gram, 1).T
    large, part = part_of(gram)
    assert factor_triangle(part) == 0
    factor = np.triu(part).astype(np.float64)
    np.testing.assert_allclose(factor, np.linalg.cholesky(symmetric.astype(np.float64)).T, rtol=2e-4, atol=2e-4)
    square_triangle(part)
    np.testing.assert_allclose(np.triu(part), np.triu(factor @ factor.T), rtol=2e-5, atol=1e-3)
    untouched(large, part, gram)


@pytest.mark.parametrize("place", [1, 30, 100, 101, 150, 290])
def test_a_pivot_that_is_not_positive_is_named(place, monkeypatch):
    monkeypatch.setattr(triangle, "WHOLE", 100)
    matrix = np.eye(300, dtype=np.float32)
    matrix[place - 1, place - 1] = -1
    assert factor_triangle(matrix) == place
