"""Experiments: differences of means, and bands, tests and checks that stay valid however often somebody looks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, lambertw, stdtr, stdtrit
from scipy.stats import chi2

from matinee.maths.arrays import Doubles, Int64s

LEVEL = 0.95
CONCENTRATION = 1_000.0  # accounts that the prior of a sample-ratio check is worth


class Moments(NamedTuple):
    """Of a sample: its size, mean and variance (divisor n - 1). Numbers, or arrays of one shape."""

    size: Doubles
    mean: Doubles
    variance: Doubles

    @property
    def error(self) -> Doubles:
        """The variance of the mean."""
        return self.variance / self.size


class Difference(NamedTuple):
    """Of two means: its value, its standard error, and Welch's degrees of freedom."""

    value: Doubles
    deviation: Doubles
    freedom: Doubles


def moments(values: Doubles) -> Moments:
    """Of each column of `values` (accounts, ...), with at least two rows."""
    assert len(values) > 1, f"{len(values)} values have no variance"
    size = np.full(values.shape[1:], float(len(values)))
    return Moments(size, values.mean(axis=0, dtype=np.float64), values.var(axis=0, ddof=1, dtype=np.float64))


def welch(treated: Moments, control: Moments) -> Difference:
    """Difference of two means whose variances may differ; degrees of freedom of Welch and Satterthwaite.

    Source: Welch, "The generalization of Student's problem when several different population variances are involved",
    1947. Where neither sample varies the deviation is 0 and the freedom that of both samples.
    """
    one, other = treated.error, control.error
    squares = one**2 / (treated.size - 1) + other**2 / (control.size - 1)
    plain = treated.size + control.size - 2
    freedom = np.divide((one + other) ** 2, squares, out=np.array(plain, np.float64), where=squares > 0)
    return Difference(treated.mean - control.mean, np.sqrt(one + other), freedom)


def welch_radius(found: Difference, level: float = LEVEL) -> Doubles:
    """Half the width of Welch's interval: right for one look at a moment fixed beforehand."""
    return np.asarray(found.deviation * stdtrit(found.freedom, (1 + level) / 2))


def welch_p(found: Difference) -> Doubles:
    """Two-sided p-value of no difference: right for one look at a moment fixed beforehand."""
    nothing = np.where(found.value == 0, 0.0, np.inf)
    t = np.divide(np.abs(found.value), found.deviation, out=np.array(nothing), where=found.deviation > 0)
    return np.asarray(2 * stdtr(found.freedom, -t))


def narrowest_at(level: float = LEVEL) -> float:
    """The n rho^2 at which the band of `mixture_radius` is narrowest beside one of a fixed n.

    -W(-alpha^2 / e) - 1 with the lower branch of Lambert's W. Source: Howard, Ramdas, McAuliffe and Sekhon,
    "Time-uniform, nonparametric, nonasymptotic confidence sequences", 2021, proposition 3.
    """
    return float(-lambertw(-((1 - level) ** 2) / np.e, k=-1).real - 1)


def mixture_radius(deviation: Doubles, information: Doubles, level: float = LEVEL) -> Doubles:
    """Half the width of a band that holds the truth at every moment together, with probability `level`.

    sigma sqrt((n rho^2 + 1) / (n^2 rho^2) log((n rho^2 + 1) / alpha^2)): the normal mixture. `deviation` is the
    standard error sigma / sqrt(n) of the estimate, a mean or a difference of two; `information` = n rho^2, the variance
    of the sum so far in a unit fixed beforehand. It grows in the order of looking; see `narrowest_at` for the unit.
    Right where sums are near normal (dozens of accounts an arm or more). Sources: Robbins, "Statistical methods related
    to the law of the iterated logarithm", 1970; Waudby-Smith et al., "Time-uniform central limit theory", 2024.
    """
    grown = information + 1
    return np.asarray(deviation * np.sqrt(grown / information * np.log(grown / (1 - level) ** 2)))


def mixture_p(z: Doubles, information: Doubles) -> Doubles:
    """The p-value of no difference at which the band of `mixture_radius` ends at 0; `z` = estimate / deviation.

    1 / e-value, the e-value (n rho^2 + 1)^(-1/2) exp(z^2 n rho^2 / (2 (n rho^2 + 1))); 1 at most. Its least over all
    looks is a p-value too.
    """
    grown = information + 1
    return np.asarray(np.minimum(1.0, np.exp(np.log(grown) / 2 - z**2 * information / (2 * grown))))


def cuped(values: Doubles, before: Doubles) -> Doubles:
    """`values` (accounts,) less what `before` (accounts,), measured before the experiment, says of them.

    Y - theta (X - mean X) with theta = cov(X, Y) / var(X): the mean stays, the variance becomes 1 - correlation^2 of
    what it was. Of all arms at once, so that theta is one. `before` must know nothing of the arm. Source: Deng, Xu,
    Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data",
    2013.
    """
    assert values.shape == before.shape, f"values {values.shape}, before {before.shape}"
    centred = before - before.mean()
    spread = centred @ centred
    return values - (centred @ values / spread) * centred if spread > 0 else values


def ratio_p(counts: Int64s, shares: Doubles) -> float:
    """Pearson's chi-square p-value that `counts` (arms,) came about with `shares` (arms,): right for one look."""
    expected = _expected(counts, shares)
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), len(counts) - 1))


def ratio_log_e(counts: Int64s, shares: Doubles, concentration: float = CONCENTRATION) -> float:
    """The log of an e-value against `counts` (arms,) having come about with `shares` (arms,), at any moment.

    The Bayes factor of shares that are Dirichlet(concentration * shares) against these: exp of it exceeds 1 / alpha
    ever with probability alpha at most. Source: Lindon and Malek, "Anytime-valid inference for multinomial count data",
    2022.
    """
    _expected(counts, shares)
    prior = concentration * shares
    marginal = (
        gammaln(prior.sum()) - gammaln(prior.sum() + counts.sum()) + (gammaln(prior + counts) - gammaln(prior)).sum()
    )
    return float(marginal - counts @ np.log(shares))


def _expected(counts: Int64s, shares: Doubles) -> Doubles:
    assert counts.shape == shares.shape, f"counts {counts.shape}, shares {shares.shape}"
    assert (shares > 0).all(), f"shares {shares}; each is above 0"
    assert abs(shares.sum() - 1) < 1e-9, f"shares sum to {shares.sum()}, not to 1"
    return np.asarray(counts.sum() * shares)
