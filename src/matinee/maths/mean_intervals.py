"""Intervals of a mean of per-round values, or of a few runs; the last two hold under heavy weights.

normal, bootstrap   for many rounds of light weights; too narrow where few rounds carry most of it
student             for a few runs that each sum up many rounds, such as worlds of other seeds
cressie_read        an empirical likelihood that knows that weights are 1 on average, and how large
                    they may be (Karampatziakis, Langford and Mineiro 2020)
betting             right at every number of rounds, also when peeked at (Waudby-Smith and Ramdas
                    2024; Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro 2024)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import chi2, norm

from matinee.maths.arrays import Doubles, Int64s
from matinee.maths.intervals import LEVEL


class Interval(NamedTuple):
    """A number and the ends of its interval; NaN where nothing was measured."""

    value: float
    low: float
    high: float


NOTHING = Interval(np.nan, np.nan, np.nan)


def by_cluster(values: Doubles, clusters: Int64s, often: Doubles | None = None) -> Doubles:
    """(clusters,) values with the same mean, one a cluster, whose spread is that of a mean over
    whole clusters.

    `values` and `clusters` (rounds,): rounds of one member hang together, so members are what is
    sampled. The ratio sum / count by its linear terms: m + (C / n) (sum_c - count_c m). Each round
    counts as `often` (rounds,) says, None = once: counts, their sum n and sums are of that.
    """
    assert values.shape == clusters.shape, f"values {values.shape}, clusters {clusters.shape}"
    times = np.ones(len(values)) if often is None else often
    assert times.shape == values.shape, f"often {times.shape}, values {values.shape}"
    _, of = np.unique(clusters, return_inverse=True)
    counts = np.bincount(of, times)
    mean = np.average(values, weights=times)
    sums = np.bincount(of, times * values)
    return np.asarray(mean + len(counts) / times.sum() * (sums - counts * mean))


def normal(values: Doubles, level: float = LEVEL) -> Interval:
    """The mean ± the normal quantile times its standard error; `values` (rounds,)."""
    _rounds(values)
    if len(values) < 2:
        return NOTHING if not len(values) else Interval(float(values[0]), -np.inf, np.inf)
    mean = float(values.mean())
    half = float(norm.ppf((1 + level) / 2) * values.std(ddof=1) / np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def student(values: Doubles, level: float = LEVEL) -> tuple[Doubles, Doubles, Doubles]:
    """The mean over runs and the ends of its interval, mean ± t s / sqrt(n), each of shape (...).

    `values` (n, ...), a run a row; s^2 = sum((values - mean)^2) / (n - 1), t the (1 + level) / 2
    quantile of Student's distribution with n - 1 degrees of freedom: exact where runs are normal and
    independent. A single run has infinite ends. Source: Student, "The Probable Error of a Mean", 1908.
    """
    runs = len(values)
    assert runs, "no run has no mean"
    mean = np.asarray(values.mean(axis=0))
    if runs == 1:
        return mean, np.full_like(mean, -np.inf), np.full_like(mean, np.inf)
    half = stdtrit(runs - 1, (1 + level) / 2) * values.std(axis=0, ddof=1) / np.sqrt(runs)
    return mean, mean - half, mean + half


def bootstrap(values: Doubles, rng: np.random.Generator, draws: int = 1_000, level: float = LEVEL) -> Interval:
    """The mean and the middle `level` of the means of `draws` resamples; `values` (rounds,)."""
    _rounds(values)
    if not len(values):
        return NOTHING
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(draws)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def cressie_read(
    weights: Doubles, values: Doubles, ceiling: float, ends: tuple[float, float], level: float = LEVEL
) -> Interval:
    """E[values] under E[weights] = 1, by Cressie-Read likelihood of power -2. Shapes (rounds,).

    `ceiling` is the largest weight there can be, `ends` the least and the greatest value of a round
    that has it: one such round stands for what the log has not met yet. With likelihoods q of N
    rounds, y the values, u = w - mean(w), d = 1 - mean(w), b the slope of y on u and e what is left of
    y, the least sum (N q - 1)^2 under sum q = 1 and sum q w = 1 is N d^2 / var(w). What is within the
    chi-square quantile of it has sum q y within mean(y) + b d ± sqrt(var(e) quantile / N). Infinite
    where d alone is beyond twice what the quantile allows: no such log has E[w] = 1.
    """
    _rounds(weights)
    assert weights.shape == values.shape, f"weights {weights.shape}, values {values.shape}"
    if not len(weights):
        return NOTHING
    within, seen = float(chi2.ppf(level, 1)), np.append(weights, ceiling)
    middle, _ = _middle(weights, values)
    low, high = (_middle(seen, np.append(values, end), within) for end in ends)
    return Interval(middle, low[0] - low[1], high[0] + high[1])


def betting(weights: Doubles, rewards: Doubles, level: float = LEVEL) -> Interval:
    """The value E[w r] for rewards in 0..1 by two bets, one on each side; right at every moment.
    Shapes (rounds,).

    Against "the value is v": a capital K_t = prod (1 + s_t (w r - v)) with stakes s_t >= 0 known
    before round t; the low end is the least v whose capital never reached 2 / (1 - level). The high
    end is 1 less the low end of rewards 1 - r, for which E[w (1 - r)] = 1 - E[w r]: no largest
    weight is needed.
    """
    _rounds(weights)
    assert weights.shape == rewards.shape, f"weights {weights.shape}, rewards {rewards.shape}"
    assert ((rewards >= 0) & (rewards <= 1)).all(), "rewards are not within 0..1"
    if not len(weights):
        return NOTHING
    needed = float(np.log(2 / (1 - level)))
    low, high = _won(weights * rewards, needed), 1 - _won(weights * (1 - rewards), needed)
    value = float(np.average(rewards, weights=weights)) if weights.any() else np.nan
    return Interval(value, low, max(low, high))


def _middle(weights: Doubles, values: Doubles, within: float = 0.0) -> tuple[float, float]:
    """The middle of `cressie_read` and half its width."""
    u, missing = weights - weights.mean(), 1 - weights.mean()
    var = np.square(u).mean()
    slope = u @ values / len(u) / var if var > 0 else 0.0
    left = np.square(values - values.mean() - slope * u).mean()
    beyond = missing**2 > 4 * within / len(u) * var
    half = np.inf if within and beyond else float(np.sqrt(left * within / len(u)))
    return float(values.mean() + slope * missing), half


def _won(values: Doubles, needed: float) -> float:
    """The largest v in 0..1 that bets on E[values] > v won against; values >= 0 (rounds,)."""
    rounds = np.arange(1, len(values) + 1)
    mean = (0.5 + np.cumsum(values)) / (rounds + 1)
    variance = (0.25 + np.cumsum(np.square(values - mean))) / (rounds + 1)
    known = np.append(0.25, variance[:-1])
    stakes = np.sqrt(2 * needed / (known * len(values)))

    def short(v: float) -> float:
        bounded = np.minimum(stakes, 0.5 / max(v, 1e-12))
        return needed - float(np.cumsum(np.log1p(bounded * (values - v))).max())

    if short(0.0) > 0:
        return 0.0
    return float(brentq(short, 0.0, 1.0)) if short(1.0) > 0 else 1.0


def _rounds(values: Doubles) -> None:
    assert values.ndim == 1, f"values {values.shape} are not one a round"
