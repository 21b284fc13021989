"""Arms that know nothing of each other: a Beta or Gaussian belief a title, chosen by Thompson sampling or by UCB."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import ndtr

from matinee.catalog import Catalog
from matinee.decision import Decisions, Distribution, Layer, Maker, Requests, digest
from matinee.errors import BadRequest, require_floor
from matinee.maths.arrays import Doubles, Flags
from matinee.maths.best_of_betas import probability_of_best_beta
from matinee.maths.best_of_normals import probabilities_of_best
from matinee.maths.top_of_scores import Grid
from matinee.policies.drawing import drawn, log_probs_of
from matinee.policies.offered import distinct_offers
from matinee.policies.versions import Latest

FAR = 1e-9  # of a belief's mass on either side that a table of it leaves out


class Told(NamedTuple):
    """What is known of each title, (..., titles): how many rewards, and their sum; after `version` batches of them."""

    counts: Doubles
    sums: Doubles
    version: int = 0


@dataclass(frozen=True, slots=True)
class BetaBelief:
    """Rewards in 0..1 as successes: Beta(`successes` + their sum, `failures` + the rest). The prior is pessimistic: its
    mean should be the base rate, 1 in 100 unless you know better.
    """

    successes: float = 1.0
    failures: float = 99.0

    def __post_init__(self) -> None:
        if not (self.successes > 0 and self.failures > 0):
            raise BadRequest(f"the prior is Beta({self.successes}, {self.failures}); give two numbers above 0")

    def moments(self, told: Told) -> tuple[Doubles, Doubles]:
        """(..., titles) means and standard deviations."""
        a, b = self._parameters(told)
        return a / (a + b), np.sqrt(a * b / (a + b + 1)) / (a + b)

    def best(self, told: Told, allowed: Flags) -> Doubles:
        """(..., titles) P(each of the `allowed` is the best)."""
        probs = np.zeros(allowed.shape)
        a, b = (np.broadcast_to(one, allowed.shape) for one in self._parameters(told))
        for row in np.ndindex(allowed.shape[:-1]):
            mask = allowed[row]
            probs[row][mask] = probability_of_best_beta(a[row][mask], b[row][mask])
        return probs

    def draw(self, told: Told, rng: np.random.Generator) -> Doubles:
        """(..., titles) one draw of each title's mean."""
        return rng.beta(*self._parameters(told))

    def table(self, told: Told) -> tuple[Grid, Doubles, Doubles]:
        """A grid, and the densities and distribution functions of titles (titles,) at its nodes, each (titles, nodes):
        worked out once for titles of which the same is known.
        """
        pairs, whose = np.unique(np.stack(self._parameters(told)), axis=1, return_inverse=True)
        a, b = pairs[:, :, None]
        ends = stats.beta.ppf(FAR, a, b), stats.beta.isf(FAR, a, b)
        grid = Grid.over(*(one.ravel() for one in (*ends, stats.beta.std(a, b))))
        densities, below = stats.beta.pdf(grid.nodes, a, b), stats.beta.cdf(grid.nodes, a, b)
        return grid, densities[whose.ravel()], below[whose.ravel()]

    def _parameters(self, told: Told) -> tuple[Doubles, Doubles]:
        return self.successes + told.sums, self.failures + np.maximum(told.counts - told.sums, 0.0)


@dataclass(frozen=True, slots=True)
class GaussianBelief:
    """Rewards with known `noise` around a mean that has a normal prior."""

    base_rate: float = 0.1
    deviation: float = 0.1
    noise: float = 0.3

    def __post_init__(self) -> None:
        if not (self.deviation > 0 and self.noise > 0):
            raise BadRequest(f"deviation and noise are {self.deviation} and {self.noise}; give numbers above 0")

    def moments(self, told: Told) -> tuple[Doubles, Doubles]:
        """(..., titles) means and standard deviations."""
        precision = self.deviation**-2 + told.counts * self.noise**-2
        mean = (self.base_rate * self.deviation**-2 + told.sums * self.noise**-2) / precision
        return mean, precision**-0.5

    def best(self, told: Told, allowed: Flags) -> Doubles:
        """(..., titles) P(each of the `allowed` is the best)."""
        mean, deviation = (np.broadcast_to(one, allowed.shape) for one in self.moments(told))
        return probabilities_of_best(mean, deviation, allowed)

    def draw(self, told: Told, rng: np.random.Generator) -> Doubles:
        """(..., titles) one draw of each title's mean."""
        return rng.normal(*self.moments(told))

    def table(self, told: Told) -> tuple[Grid, Doubles, Doubles]:
        """As that of `BetaBelief`."""
        mean, deviation = self.moments(told)
        far = float(stats.norm.isf(FAR)) * deviation
        grid = Grid.over(mean - far, mean + far, deviation)
        at = (grid.nodes - mean[:, None]) / deviation[:, None]
        return grid, stats.norm.pdf(at) / deviation[:, None], ndtr(at)


@dataclass(frozen=True, slots=True)
class IndependentConfig:
    """`optimism`: None = Thompson sampling; else UCB, the title with the largest mean + `optimism` deviations, which
    tries what is unknown only where the prior leaves it open. `floor`: the share of decisions in which every eligible
    title is as likely as any other.
    """

    belief: BetaBelief | GaussianBelief = BetaBelief()
    optimism: float | None = None
    floor: float = 0.01

    def __post_init__(self) -> None:
        require_floor(self.floor)

    def probabilities(self, told: Told, allowed: Flags) -> Doubles:
        """(..., titles) with which each of the `allowed` is chosen; 0 everywhere where none is."""
        share = allowed / np.maximum(allowed.sum(axis=-1, keepdims=True), 1)
        return np.asarray(self.floor * share + (1.0 - self.floor) * self._best(told, allowed))

    def _best(self, told: Told, allowed: Flags) -> Doubles:
        if self.optimism is None:
            return self.belief.best(told, allowed)
        mean, deviation = self.belief.moments(told)
        bound = np.where(allowed, mean + self.optimism * deviation, -np.inf)
        at = bound.argmax(axis=-1)[..., None]
        return np.asarray((np.arange(allowed.shape[-1]) == at) & allowed, np.float64)


class IndependentArms:
    """One title a request, the same for everybody who may see the same titles."""

    def __init__(self, policy_id: str, catalog: Catalog, config: IndependentConfig = IndependentConfig()) -> None:
        self.policy_id, self.catalog, self.config = policy_id, catalog, config
        nothing = np.zeros(len(catalog))
        self._told = Told(nothing, nothing)
        self._versions = Latest(self._told)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._told.version

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        told = self._told
        maker = Maker(self.policy_id, "", digest(self.policy_id, self.config), told.version)
        scores = np.broadcast_to(self.config.belief.moments(told)[0], (len(requests), len(self.catalog)))
        return drawn(requests, self._probs(requests, told), scores, rng, maker)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each title alone with what is known now; -inf for anything else."""
        return log_probs_of(decisions, self._probs(decisions.requests, self._told))

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title."""
        probs = self._probs(requests, self._told)
        return Distribution.of_masks(probs > 0, probs)

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and standard deviation of each title's reward, each (batch, titles)."""
        mean, deviation = self.config.belief.moments(self._told)
        shape = len(requests), len(self.catalog)
        return np.broadcast_to(mean, shape), np.broadcast_to(deviation, shape)

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from the titles of any decisions: `rewards` (lines,), NaN where nobody looked."""
        seen = decisions.layer(Layer.TITLE) & ~np.isnan(rewards)
        items, titles = decisions.choices.actions[seen], len(self.catalog)
        counts = self._told.counts + np.bincount(items, minlength=titles)
        sums = self._told.sums.copy()
        np.add.at(sums, items, rewards[seen])
        self._told = Told(counts, sums, self._told.version + 1)
        self._versions.keep(self._told)

    def at(self, posterior: int) -> IndependentArms:
        """The same arms as they were with this version. Raises `NotFound` where it is gone."""
        told = self._versions.find(posterior)
        found = IndependentArms(self.policy_id, self.catalog, self.config)
        found._told, found._versions = told, Latest(told)
        return found

    def save(self, folder: Path) -> None:
        """Write what was learned, as arrays and JSON."""
        np.save(folder / "counts.npy", self._told.counts, allow_pickle=False)
        np.save(folder / "sums.npy", self._told.sums, allow_pickle=False)
        about = {"version": self._told.version, "config": asdict(self.config)}
        (folder / "posterior.json").write_text(json.dumps(about, indent=1, sort_keys=True), "utf-8")

    def _probs(self, requests: Requests, told: Told) -> Doubles:
        """(batch, titles), worked out once for all requests that may be shown the same."""
        masks, whose = distinct_offers(self.catalog, requests)
        return self.config.probabilities(told, masks)[whose]
