"""The inverse of a triangle: every size around the leaves and halves, in place, and only the triangle."""

import numpy as np
import pytest

from matinee.maths import triangle
from matinee.maths.triangle import invert_triangle


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
