"""What titles that are alike tell of each other: an empirical-Bayes mean of each title's weights, from its features.

The weights of title a, over its base rate, are w_a = W v_a + e_a with e_a ~ N(0, deviation²) and W_ij ~ N(0, likeness²)
(a hierarchical linear model; Lindley and Smith 1972). With C_a and m_a the covariance and mean of w_a by its own
rewards alone, W v_a left out,

    K_a = I / deviation² - C_a / deviation⁴,     G = Σ K_a ⊗ v_a v_aᵀ,     h = Σ (m_a / deviation²) ⊗ v_a,

W given all rewards has the precision G + I / likeness² and the mean that this makes of h. How far likeness goes the
rewards say, by log P(rewards) = ½ hᵀ (G + I / likeness²)⁻¹ h - ½ log |I + likeness² G|, the largest of `SHARES`: where
features tell nothing it is 0, and where they are zeros the mean is the base rate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matinee.maths.arrays import Doubles

SHARES = (0.0, 0.125, 0.25, 0.5, 1.0)  # of the deviation, that likeness may be


class Alike(NamedTuple):
    """W given all rewards: its `mean` (size, width) and `covariance` (size x size, width x width), pair by pair, and
    its `likeness`, 0 where features tell nothing.
    """

    mean: Doubles
    covariance: Doubles
    likeness: float


def told_by_alike(features: Doubles, means: Doubles, covariances: Doubles, deviation: float) -> Alike:
    """W out of what the own rewards of titles say: `features` (titles, width), zeros where nothing is known, `means`
    (titles, size) and `covariances` (titles, size, size).
    """
    (size, width), trust = (means.shape[1], features.shape[1]), deviation**-2
    told = trust * np.eye(size) - trust**2 * covariances
    gram = told.reshape(len(means), -1).T @ squares(features)
    precision = gram.reshape(size, size, width, width).transpose(0, 2, 1, 3).reshape(size * width, -1)
    strengths, axes = np.linalg.eigh(precision)
    strengths, along = np.maximum(strengths, 0.0), axes.T @ (trust * means.T @ features).ravel()
    likeness = deviation * max(SHARES, key=lambda share: _evidence(strengths, along, share * deviation))
    spread = _spread(strengths, likeness)
    covariance = ((axes * spread) @ axes.T).reshape(size, width, size, width).transpose(0, 2, 1, 3)
    mean = (axes @ (spread * along)).reshape(size, width)
    return Alike(mean, covariance.reshape(size * size, width * width), likeness)


def with_alike(features: Doubles, means: Doubles, covariances: Doubles, deviation: float) -> tuple[Doubles, Doubles]:
    """Means and covariances of all titles' weights given the rewards of all; arguments as those of `told_by_alike`.

    A title keeps of W v_a what its own rewards leave open, B_a = C_a / deviation², and doubts it as much.
    """
    alike = told_by_alike(features, means, covariances, deviation)
    kept = covariances / deviation**2
    doubt = (squares(features) @ alike.covariance.T).reshape(covariances.shape)
    means = means + np.einsum("tij,tj->ti", kept, features @ alike.mean.T)
    return means, covariances + kept @ doubt @ kept.transpose(0, 2, 1)


def squares(features: Doubles) -> Doubles:
    """(titles, width x width) v vᵀ of each title."""
    return np.asarray((features[:, :, None] * features[:, None, :]).reshape(len(features), -1))


def _spread(strengths: Doubles, likeness: float) -> Doubles:
    """Variances of W along the axes."""
    return np.asarray(likeness**2 / (1.0 + likeness**2 * strengths))


def _evidence(strengths: Doubles, along: Doubles, likeness: float) -> float:
    """Log P(rewards) of the head of this file, less what no likeness changes."""
    fit = np.sum(along**2 * _spread(strengths, likeness))
    return float(0.5 * fit - 0.5 * np.sum(np.log1p(likeness**2 * strengths)))
