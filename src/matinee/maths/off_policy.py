"""Off-policy estimators: the value of a policy that never ran, from what another one chose.

Every estimator returns values of rounds, (rounds,) float64: their mean is the estimate and their
standard deviation over the root of their number its standard error, also where weights are
normalised by themselves. `mean_intervals` turns them into a number with an interval.

A weight is w = target(a | x) / logged(a | x) of what was chosen. What is done to weights is apart
from what is done with them: clipped IPS is `ips(clipped(w, c), r)`, Switch-DR is
`dr(switched(w, c), ...)`, DRos is `dr(shrunk(w, c), ...)`.

Sources: Horvitz and Thompson 1952 (IPS); Swaminathan and Joachims 2015 (SNIPS); Dudik, Langford and
Li 2011 (DR); Wang, Agarwal and Dudik 2017 (Switch); Su, Dimakopoulou, Krishnamurthy and Dudik 2020
(DRos); Saito and Joachims 2022 (MIPS); Jeunen and Ustimenko 2024 (Delta-OPE).
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Int64s


def weights_of(target: Doubles, logged: Doubles) -> Doubles:
    """The weights exp(target - logged) of log-probabilities of one shape; -inf gives 0."""
    assert target.shape == logged.shape, f"target {target.shape}, logged {logged.shape}"
    return np.asarray(np.exp(target - logged))


def effective_size(weights: Doubles) -> float:
    """(sum w)^2 / sum w^2: how many rounds of the target the weights (rounds,) are worth."""
    assert weights.ndim == 1, f"weights {weights.shape}"
    squares = np.square(weights).sum()
    return float(weights.sum() ** 2 / squares) if squares > 0 else 0.0


def clipped(weights: Doubles, ceiling: float) -> Doubles:
    """min(w, ceiling): less variance, a bias towards 0."""
    return np.minimum(weights, ceiling)


def switched(weights: Doubles, ceiling: float) -> Doubles:
    """Weights up to the ceiling, 0 above it, where `dr` then trusts the reward model alone."""
    return np.where(weights <= ceiling, weights, 0.0)


def shrunk(weights: Doubles, strength: float) -> Doubles:
    """Optimistic shrinkage, strength w / (w^2 + strength): w at infinite strength, 0 at 0."""
    return weights if np.isinf(strength) else strength * weights / (np.square(weights) + strength)


def ips(weights: Doubles, rewards: Doubles) -> Doubles:
    """IPS, w r: unbiased where the log could choose all that the target can. Shapes (rounds,)."""
    _same(weights, rewards)
    return np.asarray(weights * rewards)


def snips(weights: Doubles, rewards: Doubles) -> Doubles:
    """SNIPS, V = sum(w r) / sum(w), as V + w (r - V) / mean(w). Shapes (rounds,).

    These are the ratio's linear terms, so that their spread is its standard error by the delta
    method. A constant reward comes back exactly. NaN where every weight is 0.
    """
    _same(weights, rewards)
    mean = weights.mean()
    if not mean > 0:
        return np.full(len(weights), np.nan)
    value = (weights @ rewards) / weights.sum()
    return np.asarray(value + weights * (rewards - value) / mean)


def expected(target: Doubles, predicted: Doubles) -> Doubles:
    """The direct method, sum_a target(a | x) q(x, a). Shapes (rounds, actions)."""
    assert target.ndim == 2, f"target {target.shape}"
    _same(target, predicted)
    return np.asarray(np.einsum("na,na->n", target, predicted))


def dr(weights: Doubles, rewards: Doubles, predicted: Doubles, baseline: Doubles) -> Doubles:
    """DR, baseline + w (r - q): right where the weights or the reward model are. Shapes (rounds,).

    `predicted` is q(x, a) of what was chosen, `baseline` what `expected` gives.
    """
    _same(weights, rewards, predicted, baseline)
    return np.asarray(baseline + weights * (rewards - predicted))


def sndr(weights: Doubles, rewards: Doubles, predicted: Doubles, baseline: Doubles) -> Doubles:
    """Self-normalised DR: baseline + `snips` of the residuals r - q. Shapes (rounds,)."""
    _same(weights, rewards, predicted, baseline)
    return baseline + snips(weights, rewards - predicted)


def marginal_weights(target: Doubles, logged: Doubles, likely: Doubles, seen: Int64s) -> Doubles:
    """MIPS: w(x, e) = p(e | x, target) / p(e | x, logged), weights of groups of actions.

    `target` and `logged` (rounds, actions) probabilities; `likely` (actions, groups) p(e | a), rows
    sum to 1; `seen` (rounds,) the group that was seen. Right where rewards depend on the action
    through its group alone.
    """
    _same(target, logged)
    assert likely.shape[0] == target.shape[1], f"likely {likely.shape} of {target.shape[1]} actions"
    assert seen.shape == (len(target),), f"seen {seen.shape}"
    of_seen = likely.T[seen]
    return np.asarray(np.einsum("na,na->n", target, of_seen) / np.einsum("na,na->n", logged, of_seen))


def difference(new: Doubles, current: Doubles, rewards: Doubles) -> Doubles:
    """Delta-OPE, (w_new - w_current) (r - beta): the new policy's value less the current one's.

    Shapes (rounds,). The mean of d = w_new - w_current is 0, so every beta is unbiased; sum(d^2 r)
    / sum(d^2) has the least variance. Each half of the rounds (even, odd) takes its beta from the
    other, which keeps the estimate unbiased. Where the current policy is the one that logged,
    `current` is 1.
    """
    _same(new, current, rewards)
    delta = new - current
    values = np.empty_like(delta)
    for half, other in ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2))):
        squares = np.square(delta[other])
        beta = squares @ rewards[other] / squares.sum() if squares.any() else 0.0
        values[half] = delta[half] * (rewards[half] - beta)
    return values


def _same(*arrays: Doubles) -> None:
    shapes = [one.shape for one in arrays]
    assert len(set(shapes)) == 1, f"shapes differ: {shapes}"
