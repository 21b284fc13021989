"""Determinantal point processes: the greedy list of greatest probability, the other way of diversity beside MMR.

Of sets Y, log P(Y) = sum_{i in Y} l_i + weight * log det(S_Y) + constant, with S the likeness of two elements. The
greedy list is within 1 - 1/e of the best for its determinant. Chen, Zhang and Zhou, "Fast greedy MAP inference for
determinantal point process", NeurIPS 2018: each step costs O(elements * chosen).
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Int64s

OWN = 0.1  # of each element's likeness that it shares with no other, so that no set has the determinant 0


def likeness(vectors: Doubles) -> Doubles:
    """S (elements, elements): (1 - OWN) * cosine + OWN * identity; a vector of zeros is like none."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 0)
    alike = (1.0 - OWN) * (unit @ unit.T)
    np.fill_diagonal(alike, 1.0)
    return np.asarray(alike)


def greedy_map(logits: Doubles, alike: Doubles, n: int, weight: float) -> Int64s:
    """The `n` elements that raise log P most, one after the other; the first of equals.

    `logits` (elements,), `alike` (elements, elements) symmetric, positive definite.
    """
    elements = len(logits)
    assert alike.shape == (elements, elements), f"likeness {alike.shape} of {elements} elements"
    chosen, rows = np.empty(min(n, elements), np.int64), np.zeros((min(n, elements), elements))
    unexplained, left = np.diag(alike).copy(), np.ones(elements, np.bool_)
    for k in range(len(chosen)):
        gains = logits + weight * np.log(np.maximum(unexplained, 1e-12))
        at = int(np.argmax(np.where(left, gains, -np.inf)))
        chosen[k], left[at] = at, False
        rows[k] = (alike[at] - rows[:k, at] @ rows[:k]) / np.sqrt(unexplained[at])
        unexplained = unexplained - rows[k] ** 2
    return chosen
