"""Compiled loops of the arms: which titles contend, how likely each is, which one is drawn, and sums over rewards."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Int32s, UInt64s
from matinee.maths.best_of_normals import REACH, integrate
from matinee.maths.sampling import mix

LEAST_VARIANCE = 1e-18
GREEDY, THOMPSON = 0.0, REACH  # deviations within which a title contends with the best
PROB, MEAN, DEVIATION = 0, 5, 6  # rows of the scratch


class Arms(NamedTuple):
    """A batch of questions: members (batch, size); `means` (size, titles) and `variances` (pairs, titles) of
    `posterior.Beliefs`; masks (masks, titles) and `whose` (batch,), which of them each member has. A title contends
    when it may be the best within `reach` deviations, or, with `optimism`, when its mean and so many deviations are the
    largest; a share `floor` of decisions is left to chance.
    """

    members: Doubles
    means: Doubles
    variances: Doubles
    masks: Flags
    whose: Int32s
    reach: float
    floor: float
    optimism: float


class Drawn(NamedTuple):
    """What `draw` writes, each (batch,): titles, -1 for none; their probabilities and means; out of how many."""

    items: Int32s
    probs: Doubles
    scores: Doubles
    sizes: Int32s


@numba.njit(cache=True, nogil=True)
def draw(arms: Arms, bits: UInt64s, drawn: Drawn) -> None:
    """Draw a title for each member: with probability `floor` any that is allowed, all as likely, else each as likely as
    it is to be the best.
    """
    items, scratch = _room(arms)
    for b in range(len(arms.members)):
        found, count = contest(arms, b, items, scratch)
        drawn.items[b], drawn.sizes[b] = -1, count
        if count == 0:
            continue
        if uniform(bits[b], 0) < arms.floor:
            item = _nth(arms.masks[arms.whose[b]], int(uniform(bits[b], 1) * count))
        else:
            item = items[_place(scratch[PROB, :found], uniform(bits[b], 1))]
        drawn.items[b], drawn.scores[b] = item, scratch[MEAN, item]
        drawn.probs[b] = _probability(item, items[:found], scratch[PROB], arms.floor, count)


@numba.njit(cache=True, nogil=True)
def ask(arms: Arms, asked: Int32s, probs: Doubles) -> None:
    """Write the probability with which `draw` chooses the title `asked` (batch,) of each member; 0 for -1."""
    items, scratch = _room(arms)
    for b in range(len(arms.members)):
        probs[b] = 0.0
        if asked[b] >= 0 and arms.masks[arms.whose[b], asked[b]]:
            found, count = contest(arms, b, items, scratch)
            probs[b] = _probability(asked[b], items[:found], scratch[PROB], arms.floor, count)


@numba.njit(cache=True, nogil=True)
def enumerate_all(arms: Arms, probs: Doubles) -> None:
    """Write the probability of every title into `probs` (batch, titles), 0 for those not allowed."""
    items, scratch = _room(arms)
    for b in range(len(arms.members)):
        allowed = arms.masks[arms.whose[b]]
        found, count = contest(arms, b, items, scratch)
        for item in range(len(allowed)):
            probs[b, item] = arms.floor / count if allowed[item] else 0.0
        for at in range(found):
            probs[b, items[at]] += (1.0 - arms.floor) * scratch[PROB, at]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def contest(arms: Arms, b: int, items: Int32s, scratch: Doubles) -> tuple[int, int]:
    """Write the titles that contend for member `b` into `items`, and into `scratch` how likely each is to be the best;
    returns how many these and the allowed are.
    """
    mean, deviation = scratch[MEAN], scratch[DEVIATION]
    believe(arms.members[b], arms.means, arms.variances, mean, deviation)
    if arms.optimism > 0.0:
        found, count = _highest(mean, deviation, arms.masks[arms.whose[b]], arms.optimism, items)
        scratch[PROB, :found] = 1.0 / max(found, 1)
        return found, count
    found, count = _contenders(mean, deviation, arms.masks[arms.whose[b]], arms.reach, items)
    for at in range(found):
        scratch[1, at], scratch[2, at] = mean[items[at]], 1.0 / deviation[items[at]]
    if found == 1:
        scratch[PROB, 0] = 1.0
    elif found > 1:
        found = integrate(items[:found], scratch[:5])
    return found, count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def believe(member: Doubles, means: Doubles, variances: Doubles, mean: Doubles, deviation: Doubles) -> None:
    """Write the mean and deviation of every title (titles,) for one member (size,), in an order that no batch changes:
    titles of which the same is believed stay equal to the last bit.
    """
    mean[:] = 0.0
    deviation[:] = 0.0
    pair = 0
    for i in range(len(member)):
        for item in range(len(mean)):
            mean[item] += member[i] * means[i, item]
        for j in range(i, len(member)):
            product = member[i] * member[j]
            for item in range(len(mean)):
                deviation[item] += product * variances[pair, item]
            pair += 1
    for item in range(len(mean)):
        deviation[item] = np.sqrt(max(deviation[item], LEAST_VARIANCE))


@numba.njit(cache=True, nogil=True)
def _contenders(mean: Doubles, deviation: Doubles, allowed: Flags, reach: float, items: Int32s) -> tuple[int, int]:
    """Write the allowed titles that may be the best into `items`; returns how many these and the allowed are."""
    least, count = -np.inf, 0
    for item in range(len(mean)):
        if allowed[item]:
            count += 1
            least = max(least, mean[item] - reach * deviation[item])
    found = 0
    for item in range(len(mean)):
        if allowed[item] and mean[item] + reach * deviation[item] >= least:
            items[found] = item
            found += 1
    return (min(found, 1) if reach == GREEDY else found), count


@numba.njit(cache=True, nogil=True)
def _highest(mean: Doubles, deviation: Doubles, allowed: Flags, optimism: float, items: Int32s) -> tuple[int, int]:
    """Write the allowed titles of the largest mean + `optimism` deviations, all equals, into `items`; returns how many
    these and the allowed are.
    """
    most, found, count = -np.inf, 0, 0
    for item in range(len(mean)):
        if not allowed[item]:
            continue
        count += 1
        bound = mean[item] + optimism * deviation[item]
        if bound > most:
            most, found = bound, 0
        if bound == most:
            items[found] = item
            found += 1
    return found, count


@numba.njit(cache=True, nogil=True)
def _room(arms: Arms) -> tuple[Int32s, Doubles]:
    titles = arms.masks.shape[1]
    return np.empty(titles, np.int32), np.empty((7, titles))


@numba.njit(cache=True, nogil=True)
def add_rewards(
    members: Doubles, items: Int32s, rewards: Doubles, weights: Doubles, products: Doubles, sums: Doubles
) -> None:
    """Add w u uᵀ (its pairs i <= j) and w r u to the sums of each title, in the order given."""
    size = members.shape[1]
    for n in range(len(items)):
        product, total, pair = products[items[n]], sums[items[n]], 0
        for i in range(size):
            weighted = weights[n] * members[n, i]
            total[i] += weighted * rewards[n]
            for j in range(i, size):
                product[pair] += weighted * members[n, j]
                pair += 1


@numba.njit(cache=True, nogil=True)
def of_version(bits: UInt64s, version: int) -> UInt64s:
    """(batch,) other bits for another version."""
    found = np.empty_like(bits)
    for b in range(len(bits)):
        found[b] = mix(bits[b], np.uint64(version))
    return found


@numba.njit(cache=True, nogil=True)
def uniform(seed: np.uint64, place: int) -> float:
    """A number in 0..1, below 1, that depends on `seed` and `place` only."""
    return float(np.int64(mix(seed, np.uint64(place)) >> np.uint64(11))) / 9007199254740992.0


@numba.njit(cache=True, nogil=True)
def _probability(item: int, items: Int32s, probs: Doubles, floor: float, count: int) -> float:
    share = 0.0
    for at in range(len(items)):
        if items[at] == item:
            share = probs[at]
    return floor / count + (1.0 - floor) * share


@numba.njit(cache=True, nogil=True)
def _nth(allowed: Flags, n: int) -> int:
    """The n-th allowed title, from 0."""
    for item in range(len(allowed)):
        if allowed[item]:
            if n == 0:
                return item
            n -= 1
    return -1


@numba.njit(cache=True, nogil=True)
def _place(probs: Doubles, u: float) -> int:
    """The place where the running sum of `probs` first exceeds `u`; the last one with any where rounding ends it."""
    last = 0
    for at in range(len(probs)):
        if probs[at] > 0.0:
            last = at
            u -= probs[at]
            if u < 0.0:
                return at
    return last
