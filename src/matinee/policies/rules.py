"""Rules that turn scores into a distribution: pure, a row a request, 0 for what may not be shown.

Each takes scores (batch, titles) and which titles are allowed (batch, titles) and returns probabilities of that shape
that sum to 1 in every row with an allowed title.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matinee.errors import BadRequest, require_share
from matinee.maths.arrays import Doubles, Flags, Int64s


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """The best title, the first of equals; with probability `epsilon` any allowed one, all as likely."""

    epsilon: float = 0.05

    def __post_init__(self) -> None:
        require_share("epsilon", self.epsilon)

    def __call__(self, scores: Doubles, allowed: Flags) -> Doubles:
        """ε / K, and 1 - ε more for the best of K."""
        probs = self.epsilon * allowed / _counts(allowed)
        return _add_to_best(probs, scores, allowed, np.full(len(scores), 1.0 - self.epsilon))


@dataclass(frozen=True, slots=True)
class Boltzmann:
    """P(title) proportional to e^(score / temperature): the first choice of a Plackett-Luce list."""

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise BadRequest(f"the temperature is {self.temperature}; give a number above 0")

    def __call__(self, scores: Doubles, allowed: Flags) -> Doubles:
        """The softmax of scores over temperature."""
        logits = np.where(allowed, scores / self.temperature, -np.inf)
        highest = np.where(allowed.any(axis=1), logits.max(axis=1, initial=-np.inf), 0.0)
        weights = np.exp(logits - highest[:, None])
        return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(float).tiny))


@dataclass(frozen=True, slots=True)
class SquareCB:
    """P(title) = 1 / (K + gamma gap to the best of K); the best gets the rest (Foster and Rakhlin 2020)."""

    gamma: float = 100.0

    def __post_init__(self) -> None:
        if not self.gamma >= 0:
            raise BadRequest(f"gamma is {self.gamma}; give 0 or more")

    def __call__(self, scores: Doubles, allowed: Flags) -> Doubles:
        """The inverse gaps; equals of the best get 1 / K."""
        best = np.where(allowed, scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
        gaps = np.where(allowed, np.where(np.isfinite(best), best, 0.0) - scores, 0.0)
        probs = allowed / (_counts(allowed) + self.gamma * gaps)
        at = _best(scores, allowed)
        probs[np.arange(len(probs)), at] = 0.0
        return _add_to_best(probs, scores, allowed, 1.0 - probs.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Floored:
    """What `rule` gives, with a floor of exploration: with probability `floor` any allowed title, all as likely."""

    rule: Callable[[Doubles, Flags], Doubles]
    floor: float = 0.1

    def __post_init__(self) -> None:
        require_share("floor", self.floor)

    def __call__(self, scores: Doubles, allowed: Flags) -> Doubles:
        """(1 - floor) rule + floor / K."""
        return (1.0 - self.floor) * self.rule(scores, allowed) + self.floor * allowed / _counts(allowed)


def _counts(allowed: Flags) -> Int64s:
    """(batch, 1) how many are allowed, at least 1."""
    return np.asarray(np.maximum(allowed.sum(axis=1, keepdims=True), 1))


def _best(scores: Doubles, allowed: Flags) -> Int64s:
    return np.asarray(np.where(allowed, scores, -np.inf).argmax(axis=1))


def _add_to_best(probs: Doubles, scores: Doubles, allowed: Flags, more: Doubles) -> Doubles:
    """`more` (batch,) for the best title of each row that has one."""
    probs[np.arange(len(probs)), _best(scores, allowed)] += np.where(allowed.any(axis=1), more, 0.0)
    return probs
