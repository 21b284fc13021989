"""SLOPE: choose an estimator's hyper-parameter from the log alone."""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles
from matinee.maths.intervals import LEVEL
from matinee.maths.mean_intervals import normal


def slope(values: Doubles, level: float = LEVEL) -> int:
    """The place of the estimator to take: `values` (estimators, rounds), from least biased to least
    spread.

    The last i with |V_i - V_j| <= C_i + (sqrt 6 - 1) C_j for all j before it, where C is half the
    interval: as long as two agree, the one with less spread is taken (Su, Srinath and Krishnamurthy
    2020, "Adaptive Estimator Selection for Off-Policy Evaluation"; Tucker and Lee 2021). Half
    widths are cut so that they never grow.
    """
    assert values.ndim == 2, f"values {values.shape}"
    found = [normal(one, level) for one in values]
    middle = np.array([one.value for one in found])
    half = np.minimum.accumulate([one.high - one.value for one in found])
    agrees = np.abs(middle[:, None] - middle) <= half[:, None] + (np.sqrt(6) - 1) * half
    return max(i for i in range(len(values)) if agrees[i, :i].all())
