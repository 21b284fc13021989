"""Random numbers out of counters: the right distributions, and each by itself."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy import stats

from matinee.maths import counters

N = 20_000


@numba.njit
def _numbers(n, seed):
    uniforms, normals = np.empty(n), np.empty((n, 2))
    for k in range(n):
        bits = counters.keyed(np.uint64(seed), 3, k, 7)
        uniforms[k], normals[k] = counters.uniform(bits), counters.normals(bits)
    return uniforms, normals


def test_uniform_and_normal_numbers():
    """Kolmogorov-Smirnov at one in a thousand, seed fixed."""
    uniforms, normals = _numbers(N, 5)
    assert stats.kstest(uniforms, "uniform").pvalue > 0.001
    assert all(stats.kstest(normals[:, k], "norm").pvalue > 0.001 for k in range(2))
    assert abs(np.corrcoef(normals.T)[0, 1]) < 4 / N**0.5
    assert abs(np.corrcoef(uniforms[1:], uniforms[:-1])[0, 1]) < 4 / N**0.5


def test_another_purpose_or_place_is_another_number():
    seen = {
        counters.keyed(np.uint64(1), purpose, one, other) for purpose in (1, 2) for one in (0, 1) for other in (0, 1)
    }
    assert len(seen) == 8


@pytest.mark.parametrize("mean", [0.0, 0.1, 0.4, 3.0, 40.0, 500.0])
def test_poisson_is_the_quantile(mean):
    shares = (np.arange(200) + 0.5) / 200
    found = [counters.poisson(mean, share) for share in shares]
    assert found == stats.poisson.ppf(shares, mean).tolist()
