"""Intervals: turn values of members into a number that says how sure it is, by the bootstrap or a ratio's variance.

Efron and Tibshirani, "An Introduction to the Bootstrap", 1993. One matrix of weights serves all metrics and models
of a group, so their draws are paired.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from matinee.maths.arrays import Doubles

LEVEL = 0.95
NORMAL_95 = 1.959963984540054  # the 97.5 % quantile of the standard normal


def bootstrap_weights(members: int, draws: int, rng: np.random.Generator) -> Doubles:
    """How often each member is drawn in each resample: (draws, members) float64, rows sum to `members`."""
    picked = rng.integers(members, size=(draws, members))
    picked += np.arange(draws)[:, None] * members
    counts = np.bincount(picked.ravel(), minlength=draws * members)
    return counts.reshape(draws, members).astype(np.float64)


def resampled_means(values: Doubles, weights: Doubles) -> Doubles:
    """Mean of every column in every resample, NaN entries left out: (draws, columns); NaN where none is left.

    `values` (members, columns), `weights` (draws, members). Two matrix products, no loop over draws.
    """
    assert weights.shape[1] == len(values), f"weights {weights.shape}, values {values.shape}"
    finite = np.isfinite(values)
    total = weights @ np.where(finite, values, 0.0)
    count = weights @ finite.astype(np.float64)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def percentile_interval(draws: Doubles, level: float = LEVEL) -> tuple[Doubles, Doubles]:
    """The middle `level` of each column of `draws` (draws, columns): lower and upper ends, each (columns,).

    Right for means of dozens of members or more. Columns of NaN give NaN; draws without a value are left out.
    """
    assert draws.ndim == 2, f"draws {draws.shape}"
    tail = (1.0 - level) / 2.0
    low, high = np.full((2, draws.shape[1]), np.nan)
    for column in np.flatnonzero(np.isfinite(draws).any(axis=0)):
        low[column], high[column] = np.nanquantile(draws[:, column], (tail, 1.0 - tail))
    return low, high


def share_interval(estimate: Doubles | float, deviation: Doubles | float) -> tuple[Doubles, Doubles]:
    """95 % interval of values in 0..1: estimate ± 1.96 standard deviations, cut to 0..1, where the truth must lie.

    For statistics that resampling itself shifts, such as coverage: a resample repeats members and so always shows
    fewer titles, and percentiles would miss the estimate. What is cut off holds no truth, so the level stays.
    """
    assert np.shape(estimate) == np.shape(deviation), f"{np.shape(estimate)}, {np.shape(deviation)}"
    half = NORMAL_95 * deviation
    return np.clip(estimate - half, 0.0, 1.0), np.clip(estimate + half, 0.0, 1.0)


def clustered_share(totals: Doubles, counts: Doubles) -> tuple[float, float, float]:
    """The share sum(totals) / sum(counts) and its 95 % interval over members, each of whom brings any number of trials.

    `totals` (members,) successes, or values in 0..1 added up; `counts` (members,) trials, at least one. Members are
    what is sampled: the variance is that of a ratio by the delta method, each member compared with the others as in
    the jackknife, (M - 1) / M * sum(((totals - share * counts) / (sum(counts) - counts))^2). It says how many
    independent trials these are worth, share (1 - share) / variance, at most as many as there are and, where nobody or
    everybody succeeded, one a member. Of those the interval is Wilson's, with the quantile of Student's t for the
    number of members that count, sum(counts)^2 / sum(counts^2), less one (1 at least). A single member says nothing of
    others: 0 to 1. Source: Dean and Pagano, "Evaluating Confidence Interval Methods for Binomial Proportions in
    Clustered Surveys", 2015.
    """
    assert totals.shape == counts.shape, f"totals {totals.shape}, counts {counts.shape}"
    members, trials = len(counts), counts.sum()
    if not members:
        return np.nan, np.nan, np.nan
    share = float(totals.sum() / trials)
    if members == 1:
        return share, 0.0, 1.0
    spread = (members - 1) / members * np.square((totals - share * counts) / (trials - counts)).sum()
    worth = min(share * (1 - share) / spread, trials) if spread > 0 and 0 < share < 1 else float(members)
    freedom = max(1.0, trials**2 / np.square(counts).sum() - 1)
    return share, *_wilson(share, worth, float(stdtrit(freedom, (1 + LEVEL) / 2)))


def _wilson(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval of a share of so many independent trials, for a quantile of the standard deviate."""
    z = quantile**2 / trials
    middle = (share + z / 2) / (1 + z)
    half = np.sqrt(z * (share * (1 - share) + z / 4)) / (1 + z)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))
