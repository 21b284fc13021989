"""Draws of which groups shall have shares: place by place, with exact log-probabilities.

Group j is owed the next place once it has had fewer than share_j times the places up to it, rounded, with it. A place
that groups are owed is drawn among the candidates of the one that is owed most, the first of equals, as long as it has
any; every other place among all candidates. Each draw is Plackett-Luce over those it is made among, so that

    P(the list | shares) = prod_places exp(l_chosen / T) / sum_{j in those drawn among} exp(l_j / T)

and after m places a group that never ran out has had at least floor(share * m + 1/2) of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Floats, Int64s, UInt16s
from matinee.maths.exponentials import exp, log
from matinee.maths.sampling import add_gumbel, mix

ROUNDING = 1e-9  # what a product of a share and a number of places may be off by


class Shares(NamedTuple):
    """The `shares` of groups (groups,), at most 16; `groups` (titles,) those of each title as bits, the first group's
    the lowest; `had` (groups + 1,) the places that each has had so far, and all together.
    """

    shares: Doubles
    groups: UInt16s
    had: Int64s


@numba.njit(cache=True, nogil=True)
def draw_with_shares(
    logits: Floats,
    groups: UInt16s,
    shares: Shares,
    n: int,
    temperature: float,
    seed: np.uint64,
    given: bool,
    chosen: Int64s,
    log_probs: Doubles,
) -> int:
    """Draw up to `n` of the candidates, `logits` and `groups` (candidates,), or follow the `chosen` ones when given.

    Writes `chosen` and `log_probs` (n,), -inf at the first given one that could not be drawn, and counts the places in
    `shares.had`. Returns how many were drawn.
    """
    left, drawn = np.ones(len(logits), np.bool_), min(n, len(logits))
    for place in range(drawn):
        owed = _owed(shares, groups, left)
        among = np.flatnonzero(left & ((groups >> np.uint16(owed) & np.uint16(1)) > 0) if owed >= 0 else left)
        keys = logits[among].astype(np.float64)
        if given:
            at = np.searchsorted(among, chosen[place])
            if at == len(among) or among[at] != chosen[place]:
                log_probs[place] = -np.inf
                return place
        else:
            if temperature > 0.0:
                add_gumbel(temperature, mix(seed, np.uint64(place)), keys)
            at = np.argmax(keys)
        log_probs[place] = _log_prob(logits[among], at, temperature)
        if np.isinf(log_probs[place]):
            return place
        chosen[place], left[among[at]] = among[at], False
        _count(shares.had, groups[among[at]])
    return drawn


@numba.njit(cache=True, nogil=True)
def _owed(shares: Shares, groups: UInt16s, left: np.ndarray) -> int:
    """The group that is owed the next place most and has candidates left, -1 for none."""
    best, most = -1, 1.0 - ROUNDING
    for group in range(len(shares.shares)):
        debt = shares.shares[group] * (shares.had[-1] + 1) + 0.5 - shares.had[group]
        if debt >= most and np.any(left & ((groups >> np.uint16(group) & np.uint16(1)) > 0)):
            best, most = group, debt + ROUNDING
    return best


@numba.njit(cache=True, nogil=True)
def _log_prob(logits: Floats, at: int, temperature: float) -> float:
    """Log P(the candidate at a place) of these; at temperature 0 it is the first of the largest or none."""
    if temperature <= 0.0:
        return 0.0 if at == np.argmax(logits) else -np.inf
    total, largest = 0.0, logits.max()
    for logit in logits:
        total += exp((np.float64(logit) - largest) / temperature)
    return float((np.float64(logits[at]) - largest) / temperature - log(total))


@numba.njit(cache=True, nogil=True)
def _count(had: Int64s, bits: np.uint16) -> None:
    """One more place for each group of a title, and for all."""
    had[-1] += 1
    for group in range(len(had) - 1):
        had[group] += (bits >> np.uint16(group)) & np.uint16(1)
