"""Bayesian logistic regression over member x title features: what a chance of being enjoyed is believed to be.

Chapelle and Li 2011 ("An empirical evaluation of Thompson sampling"), algorithm 3: weights are independent normals
N(m_i, 1 / q_i). A batch of rewards r (1 enjoyed, 0 not, or between) moves m to the minimum of

    ½ Σ q_i (w_i - m_i)² + Σ (log(1 + e^s) - r s),   s = logit(base rate) + uᵀ W v_a + e_a,

then adds Σ x_i² p (1 - p) to each q_i. Here the weights are W, shared by all titles, and e_a, each title's own.
Batches that come in another order leave other weights, a replay in the same order the same bytes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numba
import numpy as np

from matinee.errors import BadRequest
from matinee.maths.arrays import Doubles, Int32s
from matinee.policies import stored
from matinee.policies.posterior import Beliefs
from matinee.policies.posterior_arms import Rewarded

SWEEPS, NEAR = 1_000, 1e-8  # over all weights at most, and the largest step, in deviations, of the last one
ARRAYS = ("weights", "precisions", "own", "own_precisions")
NODES, SHARES = np.polynomial.hermite_e.hermegauss(24)


@dataclass(frozen=True, slots=True)
class LogisticPrior:
    """`deviation` of the entries of W and `title_deviation` of each e_a, in logits. `boldness`: what variances count
    when choosing (alpha; below 1 it explores less than it doubts).
    """

    base_rate: float = 0.1
    deviation: float = 0.5
    title_deviation: float = 0.5
    boldness: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.base_rate < 1:
            raise BadRequest(f"the base rate is {self.base_rate}; give a probability above 0 and below 1")
        for name in ("deviation", "title_deviation", "boldness"):
            if not getattr(self, name) > 0:
                raise BadRequest(f"the prior's {name} is {getattr(self, name)}; give a number above 0")

    @property
    def logit(self) -> float:
        """That of the base rate."""
        return float(np.log(self.base_rate) - np.log1p(-self.base_rate))


@dataclass(frozen=True)
class Logistic:
    """Means and precisions of W (size, width) and of e (titles,)."""

    prior: LogisticPrior
    weights: Doubles
    precisions: Doubles
    own: Doubles
    own_precisions: Doubles
    version: int = 0

    @classmethod
    def nothing(cls, titles: int, size: int, width: int, prior: LogisticPrior = LogisticPrior()) -> Self:
        """Before the first reward."""
        shared, own = np.full((size, width), prior.deviation**-2), np.full(titles, prior.title_deviation**-2)
        return cls(prior, np.zeros((size, width)), shared, np.zeros(titles), own)

    def grown(self, titles: int) -> Self:
        """The same for a catalogue that has grown to `titles`: those appended have the prior."""
        more = (0, max(titles - len(self.own), 0))
        precisions = np.pad(self.own_precisions, more, constant_values=self.prior.title_deviation**-2)
        return replace(self, own=np.pad(self.own, more), own_precisions=precisions)

    def after(self, told: Rewarded, titles: Doubles) -> Self:
        """With a batch of rewards, for titles with features `titles` (titles, width)."""
        parts = (self.weights, self.precisions, self.own, self.own_precisions)
        weights, precisions, own, own_precisions = (one.copy() for one in parts)
        of_shown = np.ascontiguousarray(titles[told.items])
        batch = told.members, of_shown, told.items, told.often
        _fit(*batch, told.rewards, self.prior.logit, self.precisions, weights, self.own_precisions, own)
        _sharpen(*batch, self.prior.logit, weights, own, precisions, own_precisions)
        return replace(
            self,
            weights=weights,
            precisions=precisions,
            own=own,
            own_precisions=own_precisions,
            version=self.version + 1,
        )

    def beliefs(self, titles: Doubles) -> Beliefs:
        """Normal beliefs of every title's logit: only squares of the member's entries have a variance."""
        size = len(self.weights)
        means = self.weights @ titles.T
        means[0] += self.prior.logit + self.own
        squares = (1.0 / self.precisions) @ (titles**2).T
        squares[0] += 1.0 / self.own_precisions
        variances = np.zeros((size * (size + 1) // 2, len(titles)))
        variances[[i * size - i * (i - 1) // 2 for i in range(size)]] = self.prior.boldness * squares
        return Beliefs(means, variances)

    def rewards(self, means: Doubles, deviations: Doubles | float) -> tuple[Doubles, Doubles]:
        """Mean and deviation of 1 / (1 + e^-s) for normal s, by Gauss-Hermite quadrature."""
        deviations = np.broadcast_to(deviations, means.shape)
        chances = 1.0 / (1.0 + np.exp(-(means[..., None] + deviations[..., None] * NODES)))
        mean = chances @ SHARES / SHARES.sum()
        return mean, np.sqrt(np.maximum(chances**2 @ SHARES / SHARES.sum() - mean**2, 0.0))

    def save(self, folder: Path) -> None:
        """Write means, precisions and prior."""
        stored.write(folder, self._arrays, {"version": self.version, "prior": asdict(self.prior)})

    @classmethod
    def load(cls, folder: Path, prior: LogisticPrior) -> Self:
        """What `save` wrote. Raises `ArtifactRefused` where it is damaged or was learned with another prior."""
        with stored.refusing(folder):
            about = stored.read_about(folder)
            weights, precisions, own, own_precisions = (stored.read_array(folder, name) for name in ARRAYS)
            stored.require_shape("precisions", precisions, weights.shape)
            stored.require_shape("own_precisions", own_precisions, own.shape)
            stored.require_learned_with(folder, about["prior"], stored.plain(prior))
            return cls(prior, weights, precisions, own, own_precisions, int(about["version"]))

    def same(self, other: Logistic) -> bool:
        """Whether both say the same to the bit."""
        numbers = all(np.array_equal(one, other._arrays[name]) for name, one in self._arrays.items())
        return numbers and (self.prior, self.version) == (other.prior, other.version)

    @property
    def _arrays(self) -> dict[str, Doubles]:
        return {name: getattr(self, name) for name in ARRAYS}


@numba.njit(cache=True, nogil=True)
def _chance(score: float) -> float:
    return 1.0 / (1.0 + np.exp(-score)) if score > -700.0 else 0.0


@numba.njit(cache=True, nogil=True)
def _scores(members: Doubles, shown: Doubles, items: Int32s, logit: float, weights: Doubles, own: Doubles) -> Doubles:
    scores = np.empty(len(items))
    for n in range(len(items)):
        scores[n] = logit + own[items[n]]
        for i in range(weights.shape[0]):
            for j in range(weights.shape[1]):
                scores[n] += members[n, i] * shown[n, j] * weights[i, j]
    return scores


@numba.njit(cache=True, nogil=True)
def _fit(
    members: Doubles,
    shown: Doubles,
    items: Int32s,
    often: Doubles,
    rewards: Doubles,
    logit: float,
    precisions: Doubles,
    weights: Doubles,
    own_precisions: Doubles,
    own: Doubles,
) -> None:
    """Move weights and own, which come in as the prior's means, to the minimum: a weight at a time, by steps that the
    bound p (1 - p) <= 1/4 on the curvature keeps from going too far (Böhning and Lindsay 1988).
    """
    scores = _scores(members, shown, items, logit, weights, own)
    start, own_start = weights.copy(), own.copy()
    for _ in range(SWEEPS):
        largest = _own_step(items, often, rewards, own_precisions, own_start, own, scores)
        for i in range(weights.shape[0]):
            for j in range(weights.shape[1]):
                slope, curve = precisions[i, j] * (weights[i, j] - start[i, j]), precisions[i, j]
                for n in range(len(items)):
                    x = members[n, i] * shown[n, j]
                    slope += often[n] * x * (_chance(scores[n]) - rewards[n])
                    curve += often[n] * 0.25 * x * x
                step = slope / curve
                weights[i, j] -= step
                for n in range(len(items)):
                    scores[n] -= members[n, i] * shown[n, j] * step
                largest = max(largest, abs(step) * np.sqrt(curve))
        if largest < NEAR:
            break


@numba.njit(cache=True, nogil=True)
def _own_step(
    items: Int32s,
    often: Doubles,
    rewards: Doubles,
    precisions: Doubles,
    start: Doubles,
    own: Doubles,
    scores: Doubles,
) -> float:
    """One step of every title's own part; returns the largest, in deviations."""
    slopes, curves = precisions * (own - start), precisions.copy()
    for n in range(len(items)):
        slopes[items[n]] += often[n] * (_chance(scores[n]) - rewards[n])
        curves[items[n]] += often[n] * 0.25
    steps = slopes / curves
    for item in range(len(own)):
        own[item] -= steps[item]
    for n in range(len(items)):
        scores[n] -= steps[items[n]]
    return float(np.max(np.abs(steps) * np.sqrt(curves)))


@numba.njit(cache=True, nogil=True)
def _sharpen(
    members: Doubles,
    shown: Doubles,
    items: Int32s,
    often: Doubles,
    logit: float,
    weights: Doubles,
    own: Doubles,
    precisions: Doubles,
    own_precisions: Doubles,
) -> None:
    """Add x² p (1 - p) of every reward to the precisions."""
    scores = _scores(members, shown, items, logit, weights, own)
    for n in range(len(items)):
        chance = _chance(scores[n])
        told = often[n] * chance * (1.0 - chance)
        own_precisions[items[n]] += told
        for i in range(weights.shape[0]):
            for j in range(weights.shape[1]):
                precisions[i, j] += told * (members[n, i] * shown[n, j]) ** 2
