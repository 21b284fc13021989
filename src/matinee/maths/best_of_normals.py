"""P(each of several independent normal scores is the largest): what Thompson sampling chooses with, by quadrature.

With scores X_a ~ N(m_a, s_a²), densities f_a and distribution functions F_a,

    P(a is best) = ∫ f_a(z) ∏_{b≠a} F_b(z) dz = ∫ (f_a / F_a)(z) ∏_b F_b(z) dz.

The integral is taken for all scores at once by the Gauss-Legendre rule on panels no wider than `PANEL` times the least
deviation that matters there, which costs one pass over the scores a node. (Gauss-Hermite nodes around each score cost
the square of that, and miss where one score is much surer than another.) Scores that cannot be best within `REACH`
deviations have probability 0; the rest is made to sum to 1.
"""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.maths.exponentials import exp

REACH = 4.0  # deviations; beyond lie 6e-5 of a normal
PANEL = 1.75  # deviations
LEAST = 1e-6  # what may be left out of the distribution of the largest score
HALVINGS = 6  # steps to find where it begins
NODES = (-0.8611363115940526, -0.3399810435848563, 0.3399810435848563, 0.8611363115940526)  # of degree 7
WEIGHTS = (0.3478548451374538, 0.6521451548625461, 0.6521451548625461, 0.3478548451374538)
FAR = 7.0  # where the series for the distribution function ends: 1e-12


def probability_of_best(means: Doubles, deviations: Doubles) -> Doubles:
    """(k,) P(each is the largest) of independent normals with `means` (k,) and `deviations` (k,), above 0."""
    assert means.shape == deviations.shape, f"means {means.shape}, deviations {deviations.shape}"
    assert means.ndim == 1, f"means {means.shape}"
    assert (deviations > 0).all(), "a deviation is not above 0"
    places, scratch = np.arange(len(means), dtype=np.int32), np.empty((5, len(means)))
    probs = np.zeros(len(means))
    if len(means):
        scratch[1], scratch[2] = means, 1.0 / deviations
        found = integrate(places, scratch)
        probs[places[:found]] = scratch[0, :found]
    return probs


def probabilities_of_best(means: Doubles, deviations: Doubles, allowed: Flags) -> Doubles:
    """(..., k) the same for each row of arrays (..., k), among the `allowed` of it; 0 for others, and where none is."""
    assert means.shape == deviations.shape == allowed.shape, f"{means.shape}, {deviations.shape}, {allowed.shape}"
    probs = np.zeros(means.shape)
    flat = (-1, means.shape[-1])
    _each_row(means.reshape(flat), deviations.reshape(flat), allowed.reshape(flat), probs.reshape(flat))
    return probs


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def upper_tail(y: float) -> float:
    """P(N(0, 1) > y) / the standard density's e^(-y²/2), for y >= 0 up to `FAR`, within 3e-9 of itself (Hart 1968)."""
    p = (0.0352624965998911 * y + 0.700383064443688) * y + 6.37396220353165
    p = (((p * y + 33.912866078383) * y + 112.079291497871) * y + 221.213596169931) * y + 220.206867912376
    q = ((0.0883883476483184 * y + 1.75566716318264) * y + 16.064177579207) * y + 86.7807322029461
    q = (((q * y + 296.564248779674) * y + 637.333633378831) * y + 793.826512519948) * y + 440.413735824752
    return p / q


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def integrate(items: Int32s, scratch: Doubles) -> int:
    """P(best) of each of `items`, whose means and 1 / deviations stand in rows 1 and 2 of `scratch` (5, items).

    Moves those that have any to the front, their probabilities into row 0; returns how many these are.
    """
    start, end = _range(scratch[1, : len(items)], scratch[2, : len(items)], scratch[3])
    found = _keep(items, scratch, start)
    means, precisions, probs = scratch[1, :found], scratch[2, :found], scratch[0, :found]
    probs[:] = 0.0
    while start < end:
        width = min(_panel(means, precisions, start), end - start)
        for node in range(len(NODES)):
            z = start + 0.5 * width * (1.0 + NODES[node])
            _add_node(means, precisions, z, width * WEIGHTS[node], scratch[3], scratch[4], probs)
        start += width
    probs /= probs.sum()
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _range(means: Doubles, precisions: Doubles, below: Doubles) -> tuple[float, float]:
    """Between which numbers the largest score lies but for `LEAST`, found by halving."""
    start, end = -np.inf, -np.inf
    for b in range(len(means)):
        start = max(start, means[b] - REACH / precisions[b])
        end = max(end, means[b] + REACH / precisions[b])
    above = end
    for _ in range(HALVINGS):
        middle = 0.5 * (start + above)
        if _all_below(means, precisions, middle, below) < LEAST:
            start = middle
        else:
            above = middle
    return start, end


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _keep(items: Int32s, scratch: Doubles, start: float) -> int:
    """Move the scores that may exceed `start` to the front; returns how many."""
    found = 0
    for b in range(len(items)):
        if scratch[1, b] + REACH / scratch[2, b] > start:
            items[found], scratch[1, found], scratch[2, found] = items[b], scratch[1, b], scratch[2, b]
            found += 1
    return found


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _panel(means: Doubles, precisions: Doubles, at: float) -> float:
    """How wide a panel from `at` may be: a share of the least deviation of the scores that reach into it."""
    width = np.inf
    for b in range(len(means)):
        deviation = 1.0 / precisions[b]
        if at < means[b] + REACH * deviation:
            width = min(width, max(means[b] - REACH * deviation - at, 0.0) + PANEL * deviation)
    return width


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def _all_below(means: Doubles, precisions: Doubles, z: float, below: Doubles) -> float:
    """∏ F(z)."""
    for b in range(len(means)):
        x = (z - means[b]) * precisions[b]
        y = min(abs(x), FAR)
        tail = exp(-0.5 * y * y) * upper_tail(y)
        below[b] = tail if x < 0.0 else 1.0 - tail
    product = 1.0
    for b in range(len(means)):
        product *= below[b]
    return product


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
def _add_node(
    means: Doubles, precisions: Doubles, z: float, weight: float, ratios: Doubles, below: Doubles, probs: Doubles
) -> None:
    """Add `weight` f_b(z) / F_b(z) ∏ F(z) to the integral of each score b, up to a factor that all share."""
    for b in range(len(means)):
        x = (z - means[b]) * precisions[b]
        y = min(abs(x), FAR)
        density = exp(-0.5 * y * y)
        tail = density * upper_tail(y)
        below[b] = tail if x < 0.0 else 1.0 - tail
        ratios[b] = density * precisions[b] / below[b]
    product = weight
    for b in range(len(means)):
        product *= below[b]
    for b in range(len(means)):
        probs[b] += product * ratios[b]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _each_row(means: Doubles, deviations: Doubles, allowed: Flags, probs: Doubles) -> None:
    k = means.shape[1]
    items, scratch = np.empty(k, np.int32), np.empty((5, k))
    for row in range(len(means)):
        count = 0
        for a in range(k):
            if allowed[row, a]:
                items[count], scratch[1, count], scratch[2, count] = a, means[row, a], 1.0 / deviations[row, a]
                count += 1
        found = integrate(items[:count], scratch) if count else 0
        for at in range(found):
            probs[row, items[at]] = scratch[0, at]
