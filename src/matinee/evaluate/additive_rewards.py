"""What each action earns in each round: a logistic model that never saw the round it speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from matinee.errors import BadData
from matinee.maths.arrays import Doubles, Int64s

FOLDS = 3  # of rounds
RIDGE = 1.0  # penalty of every weight but the base rate's
AT_ONCE = 4_096  # rounds whose actions are predicted at a time


@dataclass(frozen=True)
class AdditiveRewards:
    """P(reward) = 1 / (1 + e^-(b + context · beta + alpha_action + gamma_position)), cross-fitted.

    rounds   (rounds,) the part of each round that is the same for all actions
    actions  (folds, actions) alpha, each fitted on the rounds of all other folds
    folds    (rounds,) the fold of each round
    """

    rounds: Doubles
    actions: Doubles
    folds: Int64s

    @classmethod
    def fit(cls, feedback: Mapping[str, Any], rng: np.random.Generator) -> Self:
        """Fit each fold of a dictionary of `bandit_feedback`, whose rounds `rng` deals into folds.

        Raises `BadData` where a reward is outside 0..1.
        """
        reward = np.asarray(feedback["reward"], np.float64)
        if not ((reward >= 0) & (reward <= 1)).all():
            raise BadData(
                f"rewards go from {reward.min()} to {reward.max()}; divide them into 0..1, for they are "
                "modelled as chances"
            )
        n, actions = feedback["n_rounds"], feedback["n_actions"]
        common, chosen = _common(feedback), _indicators(np.asarray(feedback["action"]), actions)
        folds = rng.permutation(n) % FOLDS
        rounds, alphas = np.empty(n), np.empty((FOLDS, actions))
        for fold in range(FOLDS):
            own, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            design = sparse.hstack([common[others], chosen[others]], format="csr")
            base, weights = _logistic(design, reward[others])
            rounds[own] = base + common[own] @ weights[:-actions]
            alphas[fold] = weights[-actions:]
        return cls(rounds, alphas, folds)

    def of(self, chosen: Int64s) -> Doubles:
        """(rounds,) what the `chosen` action of each round earns."""
        return np.asarray(expit(self.rounds + self.actions[self.folds, chosen]))

    def expected(self, action_dist: Doubles, positions: Int64s) -> Doubles:
        """(rounds,) the same on average over actions as likely as `action_dist` (rounds, actions,
        positions) makes them at the `positions` (rounds,).
        """
        found = np.empty(len(self.rounds))
        for start in range(0, len(found), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(found)))
            earned = expit(self.rounds[rows, None] + self.actions[self.folds[rows]])
            found[rows] = np.einsum("na,na->n", action_dist[rows, :, positions[rows]], earned)
        return found


def _common(feedback: Mapping[str, Any]) -> sparse.csr_matrix:
    """(rounds, features) what is known of a round before its action: context and position."""
    n = feedback["n_rounds"]
    context, position = feedback.get("context"), feedback.get("position")
    known = np.zeros((n, 0)) if context is None else np.asarray(context, np.float64)
    at = np.zeros(n, np.int64) if position is None else np.asarray(position)
    return sparse.hstack([sparse.csr_matrix(known), _indicators(at, int(at.max(initial=0)) + 1)], format="csr")


def _indicators(values: Int64s, n: int) -> sparse.csr_matrix:
    rounds = len(values)
    return sparse.csr_matrix((np.ones(rounds), values, np.arange(rounds + 1)), (rounds, n))


def _logistic(design: sparse.csr_matrix, rewards: Doubles) -> tuple[float, Doubles]:
    """The base rate's logit and the weights (features,) of greatest penalised likelihood."""

    def loss(both: Doubles) -> tuple[float, Doubles]:
        scores = both[0] + design @ both[1:]
        off = expit(scores) - rewards
        penalty = RIDGE * np.append(0.0, both[1:])
        value = np.logaddexp(0.0, scores).sum() - rewards @ scores + 0.5 * penalty @ both
        return float(value), np.append(off.sum(), design.T @ off) + penalty

    rate = (rewards.sum() + 0.5) / (len(rewards) + 1.0)
    start = np.append(np.log(rate / (1 - rate)), np.zeros(design.shape[1]))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-6, "maxiter": 1_000})
    return float(found.x[0]), np.asarray(found.x[1:])
