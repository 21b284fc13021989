"""P(each of several independent Beta variables is the largest), by quadrature.

P(a is best) = ∫ f_a(x) ∏_{b≠a} F_b(x) dx over 0..1, by the Gauss-Legendre rule on panels that end where some variable
has one of its quantiles, so that they are narrow where a density is high; then made to sum to 1.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from matinee.maths.arrays import Doubles, Int64s

QUANTILES = stats.norm.cdf(np.linspace(-6.0, 6.0, 25))
PANELS = 400  # at most
NODES, WEIGHTS = np.polynomial.legendre.leggauss(4)


def probability_of_best_beta(a: Doubles, b: Doubles) -> Doubles:
    """(k,) P(each is the largest) of independent Beta(a, b) with `a` and `b` (k,) above 0."""
    assert a.shape == b.shape, f"a {a.shape}, b {b.shape}"
    assert a.ndim == 1, f"a {a.shape}"
    assert ((a > 0) & (b > 0)).all(), f"parameters of Beta are above 0: a from {a.min()}, b from {b.min()}"
    probs = np.zeros(len(a))
    if len(a):
        near = _contenders(a, b)
        probs[near] = _integrated(a[near], b[near])
    return probs


def _contenders(a: Doubles, b: Doubles) -> Int64s:
    """The places of those that may be the largest."""
    least, most = stats.beta.ppf(1e-6, a, b), stats.beta.isf(1e-6, a, b)
    return np.flatnonzero(most >= least.max())


def _integrated(a: Doubles, b: Doubles) -> Doubles:
    edges = np.unique(np.append(stats.beta.ppf(QUANTILES[:, None], a, b), [0.0, 1.0]))
    if len(edges) > PANELS:
        edges = edges[np.linspace(0, len(edges) - 1, PANELS).astype(np.int64)]
    widths = np.diff(edges)
    x = (edges[:-1, None] + widths[:, None] * (NODES + 1) / 2).ravel()
    weights = (widths[:, None] * WEIGHTS / 2).ravel()
    below = np.maximum(stats.beta.cdf(x[:, None], a, b), np.finfo(float).tiny)
    with np.errstate(under="ignore"):
        product = np.exp(np.log(below).sum(axis=1))
        found = (weights * product) @ (stats.beta.pdf(x[:, None], a, b) / below)
    return np.asarray(found / found.sum())
