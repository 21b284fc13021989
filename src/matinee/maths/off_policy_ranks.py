"""Rank-discounted SNIPS, a reconstruction of RECAP: which of several rankers is better.

RECAP (More, Baltrunas, Vlassis and Basilico, "Recap: Designing a More Efficient Estimator for
Off-policy Evaluation in Bandits with Large Action Spaces", REVEAL 2019) is public as slides without
its formula; this one behaves as they say.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from matinee.maths.arrays import Doubles, Int64s


class Discount(StrEnum):
    """What a match at rank k counts: 1 / k, or 2^-(k - 1)."""

    RECIPROCAL = "reciprocal"
    GEOMETRIC = "geometric"


def rank_discounted(scores: Doubles, chosen: Int64s, discount: Discount = Discount.RECIPROCAL) -> Doubles:
    """(rounds,) what the target's rank of the logged action counts; among equal scores the mean
    over their ranks.

    `scores` (rounds, actions): the target's, higher is better; `chosen` (rounds,) the logged
    actions. Over the logged probabilities they are weights for `off_policy.snips`: with only rank 1
    counted it is SNIPS of the best action. It orders rankers; its value is biased and stands for no
    absolute one.
    """
    assert scores.ndim == 2, f"scores {scores.shape}"
    assert chosen.shape == (len(scores),), f"chosen {chosen.shape} of {len(scores)} rounds"
    own = scores[np.arange(len(scores)), chosen][:, None]
    above, equal = (scores > own).sum(axis=1), (scores == own).sum(axis=1)
    summed = np.append(0.0, np.cumsum(_discounts(scores.shape[1], discount)))
    return np.asarray((summed[above + equal] - summed[above]) / equal)


def _discounts(ranks: int, discount: Discount) -> Doubles:
    """(ranks,) of rank 1, 2, ..."""
    at = np.arange(1, ranks + 1, dtype=np.float64)
    return 1 / at if discount is Discount.RECIPROCAL else 2.0 ** (1 - at)
