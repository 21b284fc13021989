"""Plackett-Luce sampling with exact log-probabilities, out of noise that depends on a seed and a place only.

Plackett-Luce draws an ordered list without replacement: each next element i of the remaining set S has
probability exp(l_i / T) / sum_{j in S} exp(l_j / T). Adding independent Gumbel noise to l / T and sorting gives the
same distribution (Yellott 1977; Kool et al. 2019, "Stochastic Beams and Where to Find Them"). Temperature 0 is
the greedy list, with probability 1; so is any below `LEAST_TEMPERATURE`.
"""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Floats, Int64s, UInt64s
from matinee.maths.exponentials import exp, log

FAR = 300.0  # e to this and to its negative are normal numbers
LEAST_TEMPERATURE = 1e-6  # below it logits over temperature leave the numbers, and hardly anything is left to chance


def temperature_of(exploration: float) -> float:
    """The temperature of a share of exploration: itself, and 0 below `LEAST_TEMPERATURE`."""
    return exploration if exploration >= LEAST_TEMPERATURE else 0.0


def plackett_luce(logits: Floats, n: int, temperature: float, seeds: UInt64s) -> tuple[Int64s, Doubles]:
    """Draw the first `n` of each row of `logits`, and how likely each draw was given those before it.

    Shapes: `logits` (batch, k), -inf = never; `seeds` (batch,) uint64. Returns positions (batch, n) int64, -1 when a
    row has run out, and log-probabilities (batch, n) float64, 0 where empty.
    """
    assert logits.ndim == 2, f"logits {logits.shape}"
    assert seeds.shape == (len(logits),), f"{seeds.shape} seeds of {len(logits)} rows"
    chosen = np.full((len(logits), n), -1, np.int64)
    log_probs = np.zeros((len(logits), n))
    _plackett_luce(logits.astype(np.float32), temperature_of(temperature), seeds, chosen, log_probs)
    return chosen, log_probs


@numba.njit(cache=True, nogil=True)
def mix(seed: np.uint64, place: np.uint64) -> np.uint64:
    """64 random bits that depend on `seed` and `place` only (SplitMix64; Steele, Lea and Flood 2014)."""
    z = seed + (place + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def add_gumbel(scale: float, seed: np.uint64, keys: Doubles) -> None:
    """Add `scale` times standard Gumbel noise of the seed and of each place to `keys`."""
    for at in range(len(keys)):
        uniform = (float(np.int64(mix(seed, np.uint64(at)) >> np.uint64(11))) + 0.5) / 9007199254740992.0
        keys[at] -= scale * log(-log(uniform))


@numba.njit(cache=True, nogil=True)
def draw(logits: Floats, size: int, n: int, temperature: float, seed: np.uint64, chosen: Int64s) -> int:
    """Write the positions of the first `n` draws from `logits[:size]` into `chosen`; returns how many there are.

    Temperature 0 takes the largest logits, earlier positions first among equals. The nearer `logits` are to falling
    order, the less there is to move.
    """
    keys = logits[:size].astype(np.float64)
    if temperature > 0.0:
        add_gumbel(temperature, seed, keys)
    drawn, least = 0, -np.inf
    for at in range(size):
        if keys[at] <= least:
            continue
        place = min(drawn, n - 1)
        drawn = min(drawn + 1, n)
        while place > 0 and keys[chosen[place - 1]] < keys[at]:
            chosen[place] = chosen[place - 1]
            place -= 1
        chosen[place] = at
        if drawn == n:
            least = keys[chosen[n - 1]]
    return drawn


@numba.njit(cache=True, nogil=True)
def log_probs_of(logits: Floats, size: int, chosen: Int64s, drawn: int, temperature: float, log_probs: Doubles) -> None:
    """Write log P(each of the first `drawn` choices | those before it) under Plackett-Luce over `logits[:size]`.

    The sums over what remains are built from the last choice backwards, as multiples of e^reference, which follows the
    largest of them: nothing cancels, nothing underflows. At temperature 0 a choice has log-probability 0 when it is the
    greedy one, else -inf.
    """
    if drawn == 0:
        return
    if temperature <= 0.0:
        greedy = np.empty(drawn, np.int64)
        draw(logits, size, drawn, 0.0, np.uint64(0), greedy)
        for k in range(drawn):
            log_probs[k] = 0.0 if chosen[k] == greedy[k] else -np.inf
        return
    rest = logits[:size].astype(np.float64) / temperature
    for k in range(drawn):
        log_probs[k] = rest[chosen[k]]
        rest[chosen[k]] = -np.inf
    reference = max(rest.max(), log_probs[drawn - 1])
    mass = _sum_of_exp(rest, reference)
    for k in range(drawn - 1, -1, -1):
        own = log_probs[k]
        if own > reference + FAR:
            mass, reference = mass * exp(reference - own), own
        mass += exp(own - reference)
        log_probs[k] = own - reference - log(mass)


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def _sum_of_exp(values: Doubles, reference: float) -> float:
    total = 0.0
    for value in values:
        total += exp(value - reference)
    return total


@numba.njit(cache=True, nogil=True)
def _plackett_luce(logits: Floats, temperature: float, seeds: UInt64s, chosen: Int64s, log_probs: Doubles) -> None:
    n = chosen.shape[1]
    for b in range(len(logits)):
        drawn = draw(logits[b], logits.shape[1], n, temperature, seeds[b], chosen[b])
        log_probs_of(logits[b], logits.shape[1], chosen[b], drawn, temperature, log_probs[b])


def list_log_probs(logits: Floats, chosen: Int64s, temperature: float) -> Doubles:
    """How likely each choice of given lists was, given those before it: what `plackett_luce` says of its own.

    Shapes: `logits` (batch, k), -inf = never; `chosen` (batch, n) positions, -1 past the last. Returns
    log-probabilities (batch, n), 0 where empty.
    """
    assert logits.ndim == chosen.ndim == 2, f"logits {logits.shape}, chosen {chosen.shape}"
    assert len(logits) == len(chosen), f"{len(chosen)} lists of {len(logits)} rows"
    assert chosen.max(initial=-1) < logits.shape[1], f"position {chosen.max()} of {logits.shape[1]}"
    log_probs = np.zeros(chosen.shape)
    _list_log_probs(logits.astype(np.float32), chosen.astype(np.int64), temperature_of(temperature), log_probs)
    return log_probs


@numba.njit(cache=True, nogil=True)
def _list_log_probs(logits: Floats, chosen: Int64s, temperature: float, log_probs: Doubles) -> None:
    for b in range(len(logits)):
        drawn = (chosen[b] >= 0).sum()
        log_probs_of(logits[b], logits.shape[1], chosen[b], drawn, temperature, log_probs[b])
