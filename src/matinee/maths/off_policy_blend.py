"""Several estimators of one value as a single one: the best linear combination of what hangs together.

All estimators look at the same rounds, so their errors are correlated. With S the covariance of
their values, the weights S^-1 1 / (1' S^-1 1) have the least variance of all that sum to 1; the
combination is unbiased where every estimator is (Jeunen 2025, "Meta Off-Policy Estimation").
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import Interval

LEAST = 1e-6  # of the mean variance: two estimators that say the same share their weight
CAUTION = 10.0  # by how much of the mean variance weights are drawn to even ones, over the root of the rounds


def blend_weights(values: Doubles, caution: float = LEAST) -> Doubles:
    """(estimators,) the weights of least variance, which sum to 1; `values` (estimators, rounds).

    `caution`: the share of the mean variance that is added to each, which draws weights to even
    ones. Few rounds of heavy weights tell covariances badly.
    """
    assert values.ndim == 2, f"values {values.shape}"
    spread = np.atleast_2d(np.cov(values))
    even = caution * float(np.trace(spread)) / len(spread) or 1.0
    found = np.linalg.solve(spread + even * np.eye(len(spread)), np.ones(len(spread)))
    return np.asarray(found / found.sum())


def blended(values: Doubles) -> Doubles:
    """(rounds,) values of the best combination of `values` (estimators, rounds), for any interval.

    Each half of the rounds (even, odd) is combined with the weights of the other. Weights chosen on
    the rounds that they combine would prefer what happens to vary little there, and their interval
    would be too narrow.
    """
    assert values.shape[1] >= 4, f"{values.shape[1]} rounds are too few to learn weights from"
    caution, found = CAUTION / np.sqrt(values.shape[1]), np.empty(values.shape[1])
    found[::2] = blend_weights(values[:, 1::2], caution) @ values[:, ::2]
    found[1::2] = blend_weights(values[:, ::2], caution) @ values[:, 1::2]
    return found


def no_narrower(one: Interval, than: Interval) -> Interval:
    """The interval about `one.value` that reaches as far to each side as the wider of both does.

    A combination spreads no more than its best part, so a part's interval that holds under heavy
    weights (`cressie_read`), put around the combination, is conservative.
    """
    below = max(one.value - one.low, than.value - than.low)
    above = max(one.high - one.value, than.high - than.value)
    return Interval(one.value, one.value - below, one.value + above)
