"""CIPS: the chance of clicks in place of a policy's, where the policy that logged left nothing to chance.

A list that is always the same still draws clicks by chance. What is clicked is weighed by P(click |
new list) / P(click | logged list) (Tanaka et al. 2026, "Off-Policy Evaluation for Ranking Policies
under Deterministic Logging Policies"). Where a click is attention to the place times a liking of
the title, the liking cancels: the weight is a ratio of attentions. It is right where rewards follow
clicks and depend on the title alone; titles that the log never showed stay unknown.
"""

from __future__ import annotations

import numpy as np

from matinee.maths.arrays import Doubles, Int64s


def attention_to(titles: Int64s, shown: Int64s, attention: Doubles) -> Doubles:
    """(rounds, slots) the attention that each of `titles` has where `shown` stands; 0 where it does not.

    `titles` and `shown` (rounds, slots): titles of the logged and of the new list, none twice in
    one, -1 where nothing stands; `attention` (slots,) the chance that a place is looked at, above 0.
    """
    assert titles.ndim == shown.ndim == 2, f"titles {titles.shape}, shown {shown.shape}"
    assert attention.shape == shown.shape[1:], f"attention {attention.shape} of lists {shown.shape}"
    same = (titles[:, :, None] == shown[:, None, :]) & (titles >= 0)[:, :, None]
    return np.asarray(same @ attention)


def click_weights(logged: Int64s, target: Int64s, attention: Doubles) -> Doubles:
    """(rounds, slots) weights of what came of each slot of the logged lists, for `off_policy_slates.iips`.

    `logged` and `target` (rounds, slots): titles; `attention` (slots,).
    """
    return attention_to(logged, target, attention) / attention


def untold(logged: Int64s, target: Int64s, attention: Doubles) -> float:
    """The share of the attention to the target's lists that goes to titles the log did not show there."""
    there = np.where(target >= 0, attention, 0.0)
    known = np.where(attention_to(target, logged, attention) > 0, there, 0.0)
    return float(1 - known.sum() / there.sum()) if there.any() else 0.0
