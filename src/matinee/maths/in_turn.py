"""Lists drawn one after the other: how likely the next element is depends on those before it.

Element i of the remaining set S is next with probability exp(k_i / T) / sum_{j in S} exp(k_j / T), where

    k_i = l_i - diversity * max_{j before} cos(i, j) - calibration / w * C_KL(p, q(before and i)),

w what the place counts in q, cos between the sets of groups (genres) of two elements. The first term is the likelihood,
the second maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), the third the greedy list of Steck,
"Calibrated recommendations", RecSys 2018, which is within 1 - 1/e of the best one. Without both it is Plackett-Luce.
Temperature 0 takes the largest.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.maths.beyond_accuracy import CALIBRATION_ALPHA
from matinee.maths.exponentials import exp, log
from matinee.maths.ragged import Ragged
from matinee.maths.sampling import mix


class Groups(NamedTuple):
    """The groups of each element: those of i are `values[offsets[i]:offsets[i + 1]]`."""

    offsets: Int64s
    values: Int32s


class Pull(NamedTuple):
    """What a likeness of 1 and a C_KL of 1 cost, in nats, and the `wanted` mix p (groups,), which sums to 1 or 0."""

    diversity: float
    calibration: float
    wanted: Doubles


def in_turn(
    logits: Doubles,
    groups: Ragged,
    n: int,
    wanted: Doubles,
    diversity: float = 0.0,
    calibration: float = 0.0,
    temperature: float = 0.0,
    seed: int = 0,
) -> tuple[Int64s, Doubles]:
    """The first `n` drawn and the log-probability of each, given those before it.

    `logits` (elements,), `groups` (elements) the groups of each, `wanted` (groups,).
    """
    assert len(logits) == len(groups), f"{len(logits)} logits of {len(groups)} elements"
    chosen, log_probs = np.full(min(n, len(logits)), -1, np.int64), np.zeros(min(n, len(logits)))
    draw_in_turn(
        logits.astype(np.float32),
        np.arange(len(logits), dtype=np.int32),
        Pull(diversity, calibration, wanted),
        Groups(groups.offsets, groups.values),
        np.zeros(len(wanted)),
        np.ones(n),
        temperature,
        np.uint64(seed),
        False,
        chosen,
        log_probs,
    )
    return chosen, log_probs


@numba.njit(cache=True, nogil=True)
def draw_in_turn(
    logits: Floats,
    items: Int32s,
    pull: Pull,
    groups: Groups,
    shown: Doubles,
    places: Doubles,
    temperature: float,
    seed: np.uint64,
    given: bool,
    chosen: Int64s,
    log_probs: Doubles,
) -> None:
    """Write the positions of the next elements of `items` into `chosen`, or when given follow them, and `log_probs`.

    `logits` (elements,) are theirs. `shown` (groups,) is what stands so far of each group, an element counting
    `places` (n,) at its place; it grows. What could not be drawn has -inf, and nothing follows it.
    """
    own, keys = logits.astype(np.float64), np.empty(len(items))
    nearest, off = np.zeros(len(items)), np.zeros(len(items))
    gains = np.empty((most_groups(items, groups), len(pull.wanted)))
    for k in range(len(chosen)):
        if pull.calibration > 0.0:
            measure_off(items, pull.wanted, groups, shown, places[k], gains, off)
        best = weigh(own, pull, places[k], nearest, off, keys)
        if temperature > 0.0:
            at, log_prob = draw_one(keys, keys[best], temperature, mix(seed, np.uint64(k)), given, chosen[k])
        else:
            at = chosen[k] if given else best
            log_prob = 0.0 if at == best else -np.inf
        chosen[k], log_probs[k] = at, log_prob
        if log_prob == -np.inf:
            break
        own[at] = -np.inf
        add_groups(items[at], places[k], groups, shown)
        if pull.diversity > 0.0:
            draw_near(items[at], items, groups, nearest, len(pull.wanted))


@numba.njit(cache=True, nogil=True)
def most_groups(items: Int32s, groups: Groups) -> int:
    """The largest number of groups of an element."""
    most = 0
    for item in items:
        most = max(most, groups.offsets[item + 1] - groups.offsets[item])
    return most


@numba.njit(cache=True, nogil=True)
def weigh(own: Doubles, pull: Pull, place: float, nearest: Doubles, off: Doubles, keys: Doubles) -> int:
    """Write the keys (elements,) of what is left; returns the position of the largest."""
    best, calibration = 0, pull.calibration / place
    for at in range(len(own)):
        keys[at] = own[at] - pull.diversity * nearest[at] - calibration * off[at]
        if keys[at] > keys[best]:
            best = at
    return best


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw_one(
    keys: Doubles, largest: float, temperature: float, seed: np.uint64, given: bool, wanted: int
) -> tuple[int, float]:
    """A position drawn in proportion to exp(key / temperature), or the `wanted` one when given; its log-probability."""
    masses = np.empty(len(keys))
    for at in range(len(keys)):
        masses[at] = exp((keys[at] - largest) / temperature)
    whole, at = masses.sum(), wanted
    if not given:
        share, at = (float(np.int64(seed >> np.uint64(11))) + 0.5) * 2.0**-53 * whole, 0
        running = masses[0]
        while running <= share and at + 1 < len(keys):
            at += 1
            running += masses[at]
        while keys[at] == -np.inf:
            at -= 1
    return at, (keys[at] - largest) / temperature - np.log(whole)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def measure_off(
    items: Int32s, wanted: Doubles, groups: Groups, shown: Doubles, place: float, gains: Doubles, off: Doubles
) -> None:
    """Write C_KL(p, q) of what is shown with each element (elements,) at a place that counts `place`, into `off`.

    An element counts equally for each of its groups; one without a group changes nothing. `gains` (sizes, groups) is
    room for what a group of an element of so many takes off.
    """
    before = shown.sum()
    after = np.empty(len(wanted))
    unchanged = divergence(wanted, shown, before, after)
    with_nothing = divergence(wanted, shown, before + place, after)
    for size in range(len(gains)):
        share = place / (size + 1)
        for g in range(len(wanted)):
            q = (shown[g] + share) / (before + place)
            mixed = (1.0 - CALIBRATION_ALPHA) * q + CALIBRATION_ALPHA * wanted[g]
            gains[size, g] = wanted[g] * (log(mixed) - after[g]) if wanted[g] > 0.0 else 0.0
    for at in range(len(items)):
        start, end = groups.offsets[items[at]], groups.offsets[items[at] + 1]
        off[at] = unchanged if start == end else with_nothing
        for k in range(start, end):
            off[at] -= gains[end - start - 1, groups.values[k]]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def divergence(wanted: Doubles, amounts: Doubles, total: float, logs: Doubles) -> float:
    """C_KL(p, amounts / total); writes the logarithms of the mixed q (groups,) into `logs`."""
    apart = 0.0
    for g in range(len(wanted)):
        if wanted[g] > 0.0:
            q = amounts[g] / total if total > 0.0 else 0.0
            logs[g] = log((1.0 - CALIBRATION_ALPHA) * q + CALIBRATION_ALPHA * wanted[g])
            apart += wanted[g] * (log(wanted[g]) - logs[g])
    return apart


@numba.njit(cache=True, nogil=True)
def add_groups(item: int, amount: float, groups: Groups, shown: Doubles) -> None:
    """Share an amount between the groups of an element."""
    start, end = groups.offsets[item], groups.offsets[item + 1]
    for k in range(start, end):
        shown[groups.values[k]] += amount / (end - start)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw_near(item: int, items: Int32s, groups: Groups, nearest: Doubles, n: int) -> None:
    """Raise `nearest` (elements,) to the cosine of each element's groups, of `n`, with those of `item`."""
    first, last = groups.offsets[item], groups.offsets[item + 1]
    if first == last:
        return
    held = np.zeros(n)
    for k in range(first, last):
        held[groups.values[k]] = 1.0
    for at in range(len(items)):
        start, end = groups.offsets[items[at]], groups.offsets[items[at] + 1]
        common = 0.0
        for k in range(start, end):
            common += held[groups.values[k]]
        if common > 0.0:
            nearest[at] = max(nearest[at], common / np.sqrt((last - first) * (end - start)))
