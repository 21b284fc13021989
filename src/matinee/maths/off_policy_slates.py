"""Off-policy estimators of slates: several choices a round, each with a weight and a reward.

Shapes (rounds, slots) throughout; a slot that holds nothing has weight 1 and reward 0. A value of a
round is the sum of its slots' rewards under the target policy. The estimators differ in what they
assume of how a slot's reward depends on other slots, and in how fast their weights grow with the
number of slots:

    SIPS       on all of them                          product of all weights
    RIPS       on those above it (a cascade)           product of the weights down to it
    IIPS, PI   on none (a sum of parts)                the weight of the slot; one plus all that they differ from 1

Sources: Swaminathan et al. 2017 (pseudo-inverse); Li et al. 2018 (IIPS); McInerney et al. 2020
(RIPS); Kiyohara et al. 2022 (cascade-DR).
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles


def sips(weights: Doubles, rewards: Doubles) -> Doubles:
    """SIPS, prod_k w_k sum_k r_k, with w_k given the choices before it. Returns (rounds,)."""
    _slates(weights, rewards)
    return np.asarray(weights.prod(axis=1) * rewards.sum(axis=1))


def iips(weights: Doubles, rewards: Doubles) -> Doubles:
    """IIPS, sum_k w_k r_k, with w_k of what stands in slot k, whatever the others."""
    _slates(weights, rewards)
    return np.asarray(np.einsum("nk,nk->n", weights, rewards))


def rips(weights: Doubles, rewards: Doubles) -> Doubles:
    """RIPS, sum_k w_1..w_k r_k, with w_k given the choices before it. Returns (rounds,)."""
    _slates(weights, rewards)
    return np.asarray(np.einsum("nk,nk->n", np.cumprod(weights, axis=1), rewards))


def cascade_dr(weights: Doubles, rewards: Doubles, predicted: Doubles, baseline: Doubles) -> Doubles:
    """Doubly robust RIPS, sum_k [ w_1..w_k (r_k - q_k) + w_1..w_(k-1) b_k ]. Returns (rounds,).

    `predicted` q_k: what a model says of slot k given what stands in it and above it; `baseline`
    b_k: the same on average over what the target would put into slot k.
    """
    _slates(weights, rewards, predicted, baseline)
    after = np.cumprod(weights, axis=1)
    before = np.concatenate((np.ones((len(weights), 1)), after[:, :-1]), axis=1)
    return np.asarray((after * (rewards - predicted) + before * baseline).sum(axis=1))


def pseudo_inverse(weights: Doubles, rewards: Doubles) -> Doubles:
    """(1 - slots + sum_k w_k) r for a logger whose slots are independent; `rewards` (rounds,) of
    whole slates.

    Exact on average where the slate's reward is a sum of parts, one a slot, none of which is seen
    apart.
    """
    assert weights.ndim == 2, f"weights {weights.shape}"
    assert rewards.shape == (len(weights),), f"rewards {rewards.shape} of {len(weights)} slates"
    return np.asarray((1.0 + (weights - 1.0).sum(axis=1)) * rewards)


def _slates(*arrays: Doubles) -> None:
    shapes = [one.shape for one in arrays]
    assert len(shapes[0]) == 2, f"slates are (rounds, slots), not {shapes[0]}"
    assert len(set(shapes)) == 1, f"shapes differ: {shapes}"
