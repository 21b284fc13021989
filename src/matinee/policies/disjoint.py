"""One linear model a title: right where titles are few, shown often, and nothing is known of them beforehand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numba
import numpy as np

from matinee.errors import BadRequest
from matinee.maths import cholesky
from matinee.maths.arrays import Doubles, Int32s
from matinee.policies.posterior import Beliefs
from matinee.policies.posterior_arms import Rewarded


@dataclass(frozen=True, slots=True)
class DisjointPrior:
    """r = base rate + uᵀ w_a + noise with w_a ~ N(0, deviation²) in each entry, in units of the reward."""

    base_rate: float = 0.1
    deviation: float = 0.1
    noise: float = 0.3

    def __post_init__(self) -> None:
        if not (self.deviation > 0 and self.noise > 0):
            raise BadRequest(f"deviation and noise are {self.deviation} and {self.noise}; give numbers above 0")


@dataclass(frozen=True)
class Disjoint:
    """The Cholesky factors (titles, size, size) of each title's precision I / deviation² + Σ u uᵀ / noise², the sums
    (titles, size) of u (r - base rate) / noise², and what follows: `means` and `variances` as `Beliefs` has them.
    A reward costs size² for its title, and its title's beliefs size³ a batch.
    """

    prior: DisjointPrior
    factors: Doubles
    sums: Doubles
    means: Doubles
    variances: Doubles
    version: int = 0

    @classmethod
    def nothing(cls, titles: int, size: int, prior: DisjointPrior = DisjointPrior()) -> Self:
        """Before the first reward."""
        variances = np.concatenate([np.eye(size)[i, i:] for i in range(size)]) * prior.deviation**2
        return cls(
            prior,
            np.tile(np.eye(size) / prior.deviation, (titles, 1, 1)),
            np.zeros((titles, size)),
            np.zeros((size, titles)),
            np.tile(variances[:, None], titles),
        )

    def after(self, told: Rewarded, titles: Doubles) -> Self:
        """With a batch of rewards; features of titles say nothing here."""
        factors, sums, means, variances = (one.copy() for one in (self.factors, self.sums, self.means, self.variances))
        scaled = told.members / self.prior.noise, (told.rewards - self.prior.base_rate) / self.prior.noise
        _add(*scaled, told.items, factors, sums)
        _refresh(np.unique(told.items), factors, sums, means, variances)
        return replace(self, factors=factors, sums=sums, means=means, variances=variances, version=self.version + 1)

    def beliefs(self, titles: Doubles) -> Beliefs:
        """Normal beliefs of every title's reward."""
        means = self.means.copy()
        means[0] += self.prior.base_rate
        return Beliefs(means, self.variances)

    def rewards(self, means: Doubles, deviations: Doubles | float) -> tuple[Doubles, Doubles]:
        """The score is the reward."""
        return means, np.broadcast_to(deviations, means.shape)

    def save(self, folder: Path) -> None:
        """Write factors, sums and prior."""
        np.save(folder / "factors.npy", self.factors, allow_pickle=False)
        np.save(folder / "sums.npy", self.sums, allow_pickle=False)
        about = {"version": self.version, "prior": asdict(self.prior)}
        (folder / "posterior.json").write_text(json.dumps(about, indent=1, sort_keys=True), "utf-8")


@numba.njit(cache=True, nogil=True)
def _add(members: Doubles, rewards: Doubles, items: Int32s, factors: Doubles, sums: Doubles) -> None:
    for n in range(len(items)):
        for i in range(members.shape[1]):
            sums[items[n], i] += members[n, i] * rewards[n]
        cholesky.add_outer(factors[items[n]], members[n].copy())


@numba.njit(cache=True, nogil=True)
def _refresh(items: Int32s, factors: Doubles, sums: Doubles, means: Doubles, variances: Doubles) -> None:
    """Write what follows for these titles."""
    for item in items:
        mean, covariance, pair = sums[item].copy(), cholesky.inverse(factors[item]), 0
        cholesky.solve(factors[item], mean)
        means[:, item] = mean
        for i in range(len(mean)):
            for j in range(i, len(mean)):
                variances[pair, item] = covariance[i, j] * (1.0 if i == j else 2.0)
                pair += 1
