"""Exact probabilities of what a Plackett-Luce list holds: whole sets, and each element among the first k.

A list is the order in which independent exponential clocks of rates w ring. So element i is among the first k when
at most k - 1 others ring before it:

    P(i in the first k) = ∫ w_i e^(-w_i t) P(at most k - 1 of the others rang by t) dt,

the last a Poisson-binomial tail. With t = e^x the trapezoid rule converges exponentially.
"""

from __future__ import annotations

from itertools import combinations

import numba
import numpy as np

from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles

STEP, FIRST, LAST = 0.125, -34.0, 4.0  # of x, for rates of which the largest is 1 (FIRST) and the least is 1 (LAST)
MOST = 20  # elements of a set: 2^20 subsets


def inclusion_probabilities(weights: Doubles, k: int) -> Doubles:
    """(n,) P(each is among the first `k`) for weights (n,) above 0; they sum to min(k, n). Costs nodes n^2 k."""
    _require(weights)
    if k >= len(weights):
        return np.ones(len(weights))
    nodes = np.exp(np.arange(FIRST - np.log(weights.max()), LAST - np.log(weights.min()) + STEP, STEP))
    probs = np.zeros(len(weights))
    _include(weights.astype(np.float64), k, nodes, probs)
    return probs * STEP


def set_probability(weights: Doubles, chosen: list[int]) -> float:
    """P(the first len(chosen) of a list are these places of `weights` (n,), in any order), by their subsets."""
    _require(weights)
    if len(set(chosen)) != len(chosen) or len(chosen) > MOST:
        raise BadRequest(f"a set of {len(chosen)} places, some perhaps twice; give at most {MOST}, each once")
    total, of_set = float(weights.sum()), {frozenset[int](): 1.0}
    for size in range(1, len(chosen) + 1):
        of_set |= {
            one: sum(of_set[one - {i}] * weights[i] / (total - sum(weights[j] for j in one - {i})) for i in one)
            for one in map(frozenset, combinations(chosen, size))
        }
    return float(of_set[frozenset(chosen)])


def _require(weights: Doubles) -> None:
    assert weights.ndim == 1, f"weights {weights.shape}"
    if not ((weights > 0) & np.isfinite(weights)).all():
        raise BadRequest("a weight is not a finite number above 0; leave out what is never chosen")


@numba.njit(cache=True, nogil=True)
def _include(weights: Doubles, k: int, nodes: Doubles, probs: Doubles) -> None:
    counts = np.empty(k)
    for t in nodes:
        for i in range(len(weights)):
            density = weights[i] * t * np.exp(-weights[i] * t)
            if density > 1e-18:
                _others(weights, i, t, counts)
                probs[i] += density * counts.sum()


@numba.njit(cache=True, nogil=True)
def _others(weights: Doubles, i: int, t: float, counts: Doubles) -> None:
    """Write P(m of the others rang by t) for m < k into `counts` (k,)."""
    counts[:] = 0.0
    counts[0] = 1.0
    for j in range(len(weights)):
        if j != i:
            rang = -np.expm1(-weights[j] * t)
            for m in range(len(counts) - 1, 0, -1):
                counts[m] = counts[m] * (1.0 - rang) + counts[m - 1] * rang
            counts[0] *= 1.0 - rang
