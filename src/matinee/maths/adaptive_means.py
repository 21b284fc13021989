"""Adaptively weighted doubly robust means: of arms that were tried by a policy that learned from what came of them.

With π_s(a) the probability that arm a had at decision s, m_s(a) a guess made before it, and r_s what came of A_s,

    Γ_s(a) = m_s(a) + 1{A_s = a} (r_s - m_s(a)) / π_s(a)
    mean(a) = Σ h_s(a) Γ_s(a) / Σ h_s(a)      variance(a) = Σ h_s(a)² (Γ_s(a) - mean(a))² / (Σ h_s(a))².

The sample mean of an arm is too low, because an arm with bad luck is tried no more. Γ is right on average whatever was
tried; h = √π keeps its terms alike in spread, so that intervals cover, and h = 1 leaves the mean without bias. Hadad,
Hirshberg, Zhan, Wager and Athey 2021 ("Confidence intervals for policy evaluation in adaptive experiments").
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from matinee.maths.arrays import Doubles, Flags


class ScoreSums(NamedTuple):
    """All that means and variances need of the decisions so far, each (..., arms): the sums of h, hΓ, h², h²Γ, h²Γ²."""

    h: Doubles
    hg: Doubles
    hh: Doubles
    hhg: Doubles
    hhgg: Doubles

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> Self:
        """Before the first decision."""
        return cls(*(np.zeros(shape) for _ in cls._fields))

    def after(
        self, weights: Doubles, guesses: Doubles, decisions: Doubles | float, errors: Doubles, squares: Doubles
    ) -> Self:
        """With a number of `decisions` (...) that shared weights h and guesses m (..., arms). `errors` and `squares`
        (..., arms): the sums over the decisions that chose the arm of (r - m) / π, and of its square.
        """
        both = decisions * guesses + errors
        squared = decisions * guesses**2 + 2.0 * guesses * errors + squares
        more = (decisions * weights, weights * both, decisions * weights**2, weights**2 * both, weights**2 * squared)
        return type(self)(*(old + new for old, new in zip(self, more, strict=True)))

    def estimates(self) -> tuple[Doubles, Doubles]:
        """(..., arms) means and their standard deviations; NaN for an arm without any weight."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = self.hg / self.h
            spread = self.hhgg - 2.0 * means * self.hhg + means**2 * self.hh
            return means, np.sqrt(np.maximum(spread, 0.0)) / self.h


def floored(probs: Doubles, least: Doubles | float, allowed: Flags) -> Doubles:
    """`probs` (..., arms) with at least `least` (...) for every allowed arm, at most its even share: what this takes
    comes from what the others have above it, in proportion, so that the order stays and sums do too.
    """
    assert probs.shape[-1:] == allowed.shape[-1:], f"probs {probs.shape} of arms allowed {allowed.shape}"
    count = np.maximum(allowed.sum(axis=-1, keepdims=True), 1)
    low = np.where(allowed, np.minimum(np.expand_dims(np.asarray(least), -1), 1.0 / count), 0.0)
    above = np.maximum(probs - low, 0.0)
    left = probs.sum(axis=-1, keepdims=True) - low.sum(axis=-1, keepdims=True)
    return np.asarray(low + above * np.maximum(left, 0.0) / np.maximum(above.sum(axis=-1, keepdims=True), 1e-300))
