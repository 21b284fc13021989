"""Calibration: turning a score into a probability (Platt 1999, with Newton's method)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from matinee.maths.arrays import Doubles

STEPS = 100
SMALL = 1e-10


@dataclass(frozen=True, slots=True)
class Platt:
    """P(positive | score) = 1 / (1 + exp(-(slope * score + intercept)))."""

    slope: float
    intercept: float

    def probability(self, scores: NDArray[Any]) -> NDArray[np.float32]:
        """Probabilities of the shape of `scores`, float32; grows with the score when `slope` is positive."""
        against = np.multiply(scores, np.float32(-self.slope), dtype=np.float32)
        against -= np.float32(self.intercept)
        with np.errstate(over="ignore"):  # 1 / (1 + infinity) is 0
            np.exp(against, out=against)
        against += np.float32(1)
        return np.asarray(np.reciprocal(against, out=against))


def fit_platt(scores: NDArray[Any], labels: NDArray[Any], weights: NDArray[Any]) -> Platt:
    """The slope and intercept of greatest weighted likelihood; all arguments (n,), labels in 0..1.

    Labels are pulled in by Platt's prior: positives to (P + 1) / (P + 2), negatives to 1 / (N + 2), where P and N
    are the weights of the two classes, so that separable data has a finite answer.
    """
    assert scores.shape == labels.shape == weights.shape, f"{scores.shape}, {labels.shape}, {weights.shape}"
    positives, negatives = float(weights @ labels), float(weights @ (1.0 - labels))
    target = labels * (positives + 1) / (positives + 2) + (1 - labels) / (negatives + 2)
    middle, spread = float(np.mean(scores)), float(np.std(scores)) or 1.0
    design = np.stack([(scores - middle) / spread, np.ones(len(scores))], axis=1).astype(np.float64)
    slope, intercept = _newton(design, target.astype(np.float64), weights.astype(np.float64), np.zeros(len(scores)))
    return Platt(slope / spread, intercept - slope * middle / spread)


def fit_intercept(scores: NDArray[Any], labels: NDArray[Any], weights: NDArray[Any], slope: float) -> Platt:
    """The intercept of greatest weighted likelihood under a given slope: the mean probability is the base rate."""
    assert scores.shape == labels.shape == weights.shape, f"{scores.shape}, {labels.shape}, {weights.shape}"
    design = np.ones((len(scores), 1))
    base = np.clip(np.average(labels, weights=weights), 1e-9, 1 - 1e-9)
    offset = slope * (scores - np.mean(scores)).astype(np.float64)
    (intercept,) = _newton(design, np.full(len(scores), base), weights.astype(np.float64), offset)
    return Platt(slope, intercept - slope * float(np.mean(scores)))


def platt_deviations(
    platt: Platt,
    scores: NDArray[Any],
    labels: NDArray[Any],
    weights: NDArray[Any],
    groups: NDArray[np.int64],
) -> tuple[float, float]:
    """Standard deviations of slope and intercept where `groups` (n,) are sampled; the others as for
    `fit_platt`.

    The sandwich H^-1 (sum_g s_g s_g') H^-1 with the score s_g of each group (Liang and Zeger, 1986).
    """
    assert scores.shape == labels.shape == weights.shape == groups.shape, f"{scores.shape}, {groups.shape}"
    design = np.stack([scores, np.ones(len(scores))], axis=1).astype(np.float64)
    p = expit(design @ np.array([platt.slope, platt.intercept]))
    number = np.unique(groups, return_inverse=True)[1]
    surprise = weights * (labels - p)
    sums = np.stack([np.bincount(number, surprise * column) for column in design.T])
    inverse = np.linalg.pinv((design.T * (weights * p * (1 - p))) @ design)
    slope, intercept = np.sqrt(np.diag(inverse @ (sums @ sums.T) @ inverse))
    return float(slope), float(intercept)


def _newton(design: Doubles, target: Doubles, weights: Doubles, offset: Doubles) -> list[float]:
    """Argmax over beta of sum of w (t log p + (1 - t) log(1 - p)), p = sigmoid(design @ beta + offset), damped."""
    base = float(np.clip(np.average(target, weights=weights), 1e-9, 1 - 1e-9))
    beta = np.zeros(design.shape[1])
    beta[-1] = np.log(base / (1 - base))
    loss = _loss(design, target, weights, offset, beta)
    for _ in range(STEPS):
        p = expit(design @ beta + offset)
        gradient = design.T @ (weights * (target - p))
        curvature = (design.T * (weights * p * (1 - p))) @ design + SMALL * np.eye(len(beta)) * weights.sum()
        step = np.linalg.solve(curvature, gradient)
        while (new := _loss(design, target, weights, offset, beta + step)) > loss and np.abs(step).max() > SMALL:
            step /= 2
        if new > loss or loss - new < SMALL * abs(loss):
            break
        beta, loss = beta + step, new
    return [float(value) for value in beta]


def _loss(design: Doubles, target: Doubles, weights: Doubles, offset: Doubles, beta: Doubles) -> float:
    logits = design @ beta + offset
    return float(weights @ (np.logaddexp(0.0, logits) - target * logits))
