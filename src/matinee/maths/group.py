"""Choosing for several: one number a title out of what each person wishes, and whose turn it is.

Wishes are shares 0..1 of the best that a person could have alone, so that nobody counts more for being easily pleased.
The rules are those of Masthoff 2004 ("Group modeling"); whose turn it is follows perpetual voting (Lackner 2020) and
proportional fairness (Kelly 1998): whoever had less so far weighs more, so that over many nights shares draw level.
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Flags


def average(wishes: Doubles, weights: Doubles) -> Doubles:
    """(titles,) sum over people p of w_p wishes_pt: `wishes` (people, titles), `weights` (people,) that sum to 1."""
    return np.asarray(_weighed(wishes, weights).sum(axis=0))


def least_misery(wishes: Doubles, weights: Doubles) -> Doubles:
    """(titles,) min over people p of wishes_pt / (n w_p), at most 1: with equal weights the wish of the least pleased.

    Who weighs more is misery sooner, so a title must please them more.
    """
    shares = _weighed(wishes, 1.0 / (len(weights) * np.maximum(weights, np.finfo(float).tiny)))
    return np.asarray(np.minimum(shares.min(axis=0), 1.0))


def approval(wishes: Doubles, weights: Doubles, approves: Flags) -> Doubles:
    """(titles,) (sum of w_p over those who approve + their average wish) / 2: whom it has for it, then how much.

    `approves` (people, titles): who would choose the title themselves. The average of those who approve only decides
    among titles that as many approve of, for it is at most as large as their weight.
    """
    own = np.where(approves, wishes, 0.0)
    return np.asarray((_weighed(approves.astype(np.float64), weights) + _weighed(own, weights)).sum(axis=0) / 2)


def turns(had: Doubles, fairness: float = 1.0) -> Doubles:
    """(people,) weights that sum to 1, proportional to (1 + `had`)^-`fairness`: `had` what each got so far, >= 0.

    0 weighs all alike, 1 is the marginal gain of sum log(1 + had): of titles chosen by `average` with these weights
    each night, the shares of two people whose wishes exclude each other converge to the same.
    """
    assert (had >= 0).all(), f"somebody had {had.min()}; what people got is 0 or more"
    weights = (1.0 + had) ** -fairness
    return np.asarray(weights / weights.sum())


def _weighed(values: Doubles, weights: Doubles) -> Doubles:
    assert len(values) == len(weights), f"{len(values)} people have wishes, {len(weights)} have weights"
    return np.asarray(values * weights[:, None])
