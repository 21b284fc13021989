"""One linear model a title: right where titles are few and each is shown often.

What is known of titles beforehand may tell where a new one begins, see `alike.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numba
import numpy as np

from matinee.errors import BadRequest
from matinee.maths import cholesky
from matinee.maths.arrays import Doubles, Int32s, Int64s
from matinee.policies import stored
from matinee.policies.alike import with_alike
from matinee.policies.posterior import Beliefs
from matinee.policies.posterior_arms import Rewarded


@dataclass(frozen=True, slots=True)
class DisjointPrior:
    """r = base rate + uᵀ w_a + noise with w_a ~ N(0, deviation²) in each entry, in units of the reward.

    `alike`: w_a begins at what titles with like features earned, as far as these foretell it.
    """

    base_rate: float = 0.1
    deviation: float = 0.1
    noise: float = 0.3
    alike: bool = False

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
        factors = np.tile(np.eye(size) / prior.deviation, (titles, 1, 1))
        return cls._of(prior, factors, np.zeros((titles, size)), 0)

    def grown(self, titles: int) -> Self:
        """The same for a catalogue that has grown to `titles`: those appended have no rewards yet."""
        more = self.nothing(max(titles - len(self.sums), 0), self.sums.shape[1], self.prior)
        return replace(
            self,
            factors=np.concatenate([self.factors, more.factors]),
            sums=np.concatenate([self.sums, more.sums]),
            means=np.hstack([self.means, more.means]),
            variances=np.hstack([self.variances, more.variances]),
        )

    def same(self, other: Disjoint) -> bool:
        """Whether both say the same to the bit."""
        numbers = np.array_equal(self.factors, other.factors) and np.array_equal(self.sums, other.sums)
        return numbers and (self.prior, self.version) == (other.prior, other.version)

    def after(self, told: Rewarded, titles: Doubles) -> Self:
        """With a batch of rewards; features of titles say nothing here."""
        factors, sums, means, variances = (one.copy() for one in (self.factors, self.sums, self.means, self.variances))
        scale = np.sqrt(told.often) / self.prior.noise  # of what counts twice the noise halves its variance
        scaled = told.members * scale[:, None], (told.rewards - self.prior.base_rate) * scale
        _add(*scaled, told.items, factors, sums)
        _refresh(np.unique(told.items), factors, sums, means, variances)
        return replace(self, factors=factors, sums=sums, means=means, variances=variances, version=self.version + 1)

    def beliefs(self, titles: Doubles) -> Beliefs:
        """Normal beliefs of every title's reward; of features `titles` (titles, 1 + width) the first says nothing."""
        means, variances = self.means.copy(), self.variances
        if self.prior.alike:
            pairs, double = _pairs(len(means))
            covariances = np.empty((len(titles), len(means), len(means)))
            covariances[:, *pairs] = covariances[:, *pairs[::-1]] = variances.T / double
            found, covariances = with_alike(titles[:, 1:], means.T, covariances, self.prior.deviation)
            means, variances = found.T.copy(), (covariances[:, *pairs] * double).T.copy()
        means[0] += self.prior.base_rate
        return Beliefs(means, variances)

    def rewards(self, means: Doubles, deviations: Doubles | float) -> tuple[Doubles, Doubles]:
        """The score is the reward."""
        return means, np.broadcast_to(deviations, means.shape)

    def save(self, folder: Path) -> None:
        """Write factors, sums and prior."""
        about = {"version": self.version, "prior": asdict(self.prior)}
        stored.write(folder, {"factors": self.factors, "sums": self.sums}, about)

    @classmethod
    def load(cls, folder: Path, prior: DisjointPrior) -> Self:
        """What `save` wrote. Raises `ArtifactRefused` where it is damaged or was learned with another prior."""
        with stored.refusing(folder):
            about = stored.read_about(folder)
            factors, sums = (stored.read_array(folder, name) for name in ("factors", "sums"))
            stored.require_shape("factors", factors, (*sums.shape, sums.shape[-1]))
            if not (np.diagonal(factors, axis1=1, axis2=2) > 0).all():
                raise ValueError("factors.npy holds no Cholesky factors")
            stored.require_learned_with(folder, about["prior"], stored.plain(prior))
            return cls._of(prior, factors, sums, int(about["version"]))

    @classmethod
    def _of(cls, prior: DisjointPrior, factors: Doubles, sums: Doubles, version: int) -> Self:
        """With what follows for all titles."""
        titles, size = sums.shape
        means, variances = np.zeros((size, titles)), np.zeros((size * (size + 1) // 2, titles))
        _refresh(np.arange(titles, dtype=np.int32), factors, sums, means, variances)
        return cls(prior, factors, sums, means, variances, version)


def _pairs(size: int) -> tuple[tuple[Int64s, Int64s], Doubles]:
    """The pairs i <= j of `Beliefs`, and how often each counts."""
    above = np.triu_indices(size)
    return above, np.where(above[0] == above[1], 1.0, 2.0)


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
