"""Ridge regression out of sums of products, so that millions of rows pass through in chunks.

With rows f (1 appended for the constant), weights r and answers y, everything needed is

    G = sum of r f fᵀ        C = sum of r f yᵀ        e = sum of r |y|²

and the regression with penalty l is A = (G + l I)⁻¹ C, the constant not being penalised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import solve

from matinee.maths.arrays import Doubles, Floats

CHUNK = 65_536  # rows in double precision at a time
TINY = 1e-9  # penalty of the constant beside the others', so that a constant that nothing tells is 0


@dataclass(frozen=True)
class Products:
    """The sums G (width + 1, width + 1), C (width + 1, answers) and e of the head of this file."""

    gram: Doubles
    cross: Doubles
    energy: float

    @classmethod
    def of(cls, rows: Floats | Doubles, answers: Floats | Doubles, weights: Doubles) -> Self:
        """Sums over `rows` (n, width) with `answers` (n, k) and `weights` (n,)."""
        width = rows.shape[1] + 1
        gram, cross, energy = np.zeros((width, width)), np.zeros((width, answers.shape[1])), 0.0
        for start in range(0, len(rows), CHUNK):
            part, wanted = with_constant(rows[start : start + CHUNK]), answers[start : start + CHUNK].astype(np.float64)
            weighted = part.T * weights[start : start + CHUNK]
            gram += weighted @ part
            cross += weighted @ wanted
            energy += float(weights[start : start + CHUNK] @ (wanted**2).sum(axis=1))
        return cls(gram, cross, energy)

    def __sub__(self, other: Products) -> Products:
        return Products(self.gram - other.gram, self.cross - other.cross, self.energy - other.energy)

    def solve(self, penalty: float) -> Doubles:
        """A (width + 1, answers), the last row the constant."""
        return ridge_solve(self.gram, self.cross, penalty)

    def loss(self, coefficients: Doubles) -> float:
        """Sum of r |y - Aᵀ f|² over the rows that were summed."""
        fitted = np.sum(coefficients * (self.gram @ coefficients))
        return float(self.energy - 2 * np.sum(coefficients * self.cross) + fitted)


def ridge_solve(gram: Doubles, cross: Doubles, penalty: float) -> Doubles:
    """(gram + penalty I)⁻¹ cross, the last column's penalty being next to none."""
    assert gram.shape == (len(cross),) * 2, f"gram {gram.shape}, cross {cross.shape}"
    penalties = np.full(len(gram), penalty)
    penalties[-1] *= TINY
    return np.asarray(solve(gram + np.diag(penalties), cross, assume_a="pos"))


def total(parts: list[Products]) -> Products:
    """The sums over all parts."""
    gram = np.sum([part.gram for part in parts], axis=0)
    cross = np.sum([part.cross for part in parts], axis=0)
    return Products(gram, cross, sum(part.energy for part in parts))


def best_penalty(folds: list[Products], penalties: Doubles) -> float:
    """The penalty with the least loss on folds left out, each fitted on all others: cross-validation."""
    whole = total(folds)
    losses = [sum(fold.loss((whole - fold).solve(float(one))) for fold in folds) for one in penalties]
    return float(penalties[int(np.argmin(losses))])


def with_constant(rows: Floats | Doubles) -> Doubles:
    """The rows with a last column of ones, in double precision."""
    return np.hstack([rows, np.ones((len(rows), 1))]).astype(np.float64)
