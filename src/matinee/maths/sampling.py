"""Plackett-Luce sampling with exact log-probabilities, out of noise that depends on a seed and a place only.

Plackett-Luce draws an ordered list without replacement: each next element i of the remaining set S has
probability exp(l_i / T) / sum_{j in S} exp(l_j / T). Adding independent Gumbel noise to l / T and sorting gives the
same distribution (Yellott 1977; Kool et al. 2019, "Stochastic Beams and Where to Find Them"). Temperature 0 is
the greedy list, with probability 1.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Floats, Int64s, UInt64s


def plackett_luce(logits: Floats, n: int, temperature: float, seeds: UInt64s) -> tuple[Int64s, Doubles]:
    """Draw the first `n` of each row of `logits`, and how likely each draw was given those before it.

    Shapes: `logits` (batch, k), -inf = never; `seeds` (batch,) uint64. Returns positions (batch, n) int64, -1 when a
    row has run out, and log-probabilities (batch, n) float64, 0 where empty.
    """
    assert logits.ndim == 2
    assert seeds.shape == (len(logits),)
    chosen = np.full((len(logits), n), -1, np.int64)
    log_probs = np.zeros((len(logits), n))
    _plackett_luce(logits.astype(np.float32), temperature, seeds, chosen, log_probs)
    return chosen, log_probs


@numba.njit(cache=True, nogil=True)
def mix(seed: np.uint64, place: np.uint64) -> np.uint64:
    """64 random bits that depend on `seed` and `place` only (SplitMix64; Steele, Lea and Flood 2014)."""
    z = seed + (place + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def gumbel(seed: np.uint64, place: np.uint64) -> float:
    """Standard Gumbel noise of a seed and a place."""
    uniform = (float(mix(seed, place) >> np.uint64(11)) + 0.5) / 9007199254740992.0
    return -math.log(-math.log(uniform))


@numba.njit(cache=True, nogil=True)
def draw(logits: Floats, size: int, n: int, temperature: float, seed: np.uint64, chosen: Int64s) -> int:
    """Write the positions of the first `n` draws from `logits[:size]` into `chosen`; returns how many there are.

    Temperature 0 takes the largest logits, earlier positions first among equals. The nearer `logits` are to falling
    order, the less there is to move.
    """
    keys = np.empty(n, np.float64)
    drawn = 0
    for at in range(size):
        key = logits[at] + (temperature * gumbel(seed, np.uint64(at)) if temperature > 0.0 else 0.0)
        if key == -np.inf or (drawn == n and key <= keys[n - 1]):
            continue
        place = min(drawn, n - 1)
        drawn = min(drawn + 1, n)
        while place > 0 and keys[place - 1] < key:
            keys[place], chosen[place] = keys[place - 1], chosen[place - 1]
            place -= 1
        keys[place], chosen[place] = key, at
    return drawn


@numba.njit(cache=True, nogil=True)
def log_probs_of(logits: Floats, size: int, chosen: Int64s, drawn: int, temperature: float, log_probs: Doubles) -> None:
    """Write log P(each of the first `drawn` choices | those before it) under Plackett-Luce over `logits[:size]`.

    The log-sums over what remains are built from the last choice backwards: nothing cancels, nothing underflows.
    At temperature 0 a choice has log-probability 0 when it is the greedy one, else -inf.
    """
    if temperature <= 0.0:
        greedy = np.empty(drawn, np.int64)
        draw(logits, size, drawn, 0.0, np.uint64(0), greedy)
        for k in range(drawn):
            log_probs[k] = 0.0 if chosen[k] == greedy[k] else -np.inf
        return
    picked = np.zeros(size, np.bool_)
    for k in range(drawn):
        picked[chosen[k]] = True
    top, mass = -np.inf, 0.0
    for at in range(size):
        if not picked[at]:
            top = max(top, logits[at])
    for at in range(size):
        if not picked[at] and top > -np.inf:
            mass += math.exp((logits[at] - top) / temperature)
    remaining = top / temperature + math.log(mass) if mass > 0.0 else -np.inf
    for k in range(drawn - 1, -1, -1):
        own = logits[chosen[k]] / temperature
        remaining = max(own, remaining) + math.log1p(math.exp(-abs(own - remaining)))
        log_probs[k] = own - remaining


@numba.njit(cache=True, nogil=True)
def _plackett_luce(logits: Floats, temperature: float, seeds: UInt64s, chosen: Int64s, log_probs: Doubles) -> None:
    n = chosen.shape[1]
    for b in range(len(logits)):
        drawn = draw(logits[b], logits.shape[1], n, temperature, seeds[b], chosen[b])
        log_probs_of(logits[b], logits.shape[1], chosen[b], drawn, temperature, log_probs[b])
