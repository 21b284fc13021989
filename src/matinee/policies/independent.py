"""A Beta or Gaussian belief a title, chosen by Thompson sampling or by UCB.

Titles know nothing of each other, unless features say which are alike: then each begins at what those earned.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
from matinee.policies import stored
from matinee.policies.alike import told_by_alike
from matinee.policies.drawing import drawn, log_probs_of
from matinee.policies.offered import distinct_offers
from matinee.policies.versions import Versions, kept_from

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FAR = 1e-9  # of a belief's mass on either side that a table of it leaves out
NEAREST = 0.1  # of the way from the base rate to 0 or 1 that is left by what like titles earned
LEAST = 1e-9  # failures of a Beta distribution


class Told(NamedTuple):
    """What is known of each title, (..., titles): how many rewards, and their sum; after `version` batches of them."""

    counts: Doubles
    sums: Doubles
    version: int = 0

    @classmethod
    def nothing(cls, *shape: int) -> Told:
        """Before the first reward."""
        return cls(np.zeros(shape), np.zeros(shape))

    def grown(self, titles: int) -> Told:
        """The same for a catalogue that has grown to `titles`: those appended have no rewards yet."""
        return Told(with_more(self.counts, titles), with_more(self.sums, titles), self.version)

    def same(self, other: Told) -> bool:
        """Whether both say the same to the bit."""
        counts, sums = (np.array_equal(*one) for one in zip(self[:2], other[:2], strict=True))
        return counts and sums and self.version == other.version

    def save(self, folder: Path, config: DataclassInstance) -> None:
        """Write it and the config that it was learned with into an existing folder."""
        about = {"version": self.version, "config": stored.plain(config)}
        stored.write(folder, {"counts": self.counts, "sums": self.sums}, about)

    @classmethod
    def load(cls, folder: Path, config: DataclassInstance) -> Told:
        """What `save` wrote. Raises `ArtifactRefused` where it is damaged or was learned with another config."""
        with stored.refusing(folder):
            about = stored.read_about(folder)
            counts, sums = (stored.read_array(folder, name) for name in ("counts", "sums"))
            stored.require_shape("sums", sums, counts.shape)
            stored.require_learned_with(folder, about["config"], stored.plain(config))
            return cls(counts, sums, int(about["version"]))


def with_more(array: Doubles, titles: int, fill: float = 0.0) -> Doubles:
    """(..., `titles`): the array with `fill` for titles appended."""
    more = max(titles - array.shape[-1], 0)
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, more)], constant_values=fill)


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

    @property
    def normal(self) -> GaussianBelief:
        """The Gaussian belief of the same mean, deviation and weight beside rewards."""
        strength = self.successes + self.failures
        variance = self.successes * self.failures / strength**2 / (strength + 1)
        return GaussianBelief(self.successes / strength, variance**0.5, (variance * strength) ** 0.5)

    def begun(self, told: Told, more: Doubles) -> Told:
        """As if each title's prior mean were `more` (..., titles) than the base rate, as heavy as before."""
        strength, rate = self.successes + self.failures, self.successes / (self.successes + self.failures)
        more = np.clip(more, (NEAREST - 1.0) * rate, (1.0 - NEAREST) * (1.0 - rate))
        return told._replace(sums=told.sums + strength * more)

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
        return self.successes + told.sums, np.maximum(self.failures + told.counts - told.sums, LEAST)


@dataclass(frozen=True, slots=True)
class GaussianBelief:
    """Rewards with known `noise` around a mean that has a normal prior."""

    base_rate: float = 0.1
    deviation: float = 0.1
    noise: float = 0.3

    def __post_init__(self) -> None:
        if not (self.deviation > 0 and self.noise > 0):
            raise BadRequest(f"deviation and noise are {self.deviation} and {self.noise}; give numbers above 0")

    @property
    def normal(self) -> GaussianBelief:
        """Itself."""
        return self

    def begun(self, told: Told, more: Doubles) -> Told:
        """As that of `BetaBelief`."""
        return told._replace(sums=told.sums + self.noise**2 / self.deviation**2 * more)

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
    """`optimism`: None = Thompson sampling; else UCB, the title with the largest mean + `optimism` deviations, equals
    sharing, which tries what is unknown only where the prior leaves it open. `floor`: the share of decisions in which
    every eligible title is as likely as any other.
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
        highest = (bound == bound.max(axis=-1, keepdims=True, initial=-np.inf)) & allowed
        return np.asarray(highest / np.maximum(highest.sum(axis=-1, keepdims=True), 1))


def begun_alike(belief: BetaBelief | GaussianBelief, told: Told, features: Doubles) -> Told:
    """`told` (titles,) as if each title began at what titles with like `features` (titles, width) earned."""
    normal = belief.normal
    means, deviations = normal.moments(told)
    own = (means - normal.base_rate)[:, None], deviations[:, None, None] ** 2
    return belief.begun(told, features @ told_by_alike(features, *own, normal.deviation).mean[0])


class _Mind(NamedTuple):
    """What was told of titles, and what is made of it: swapped as one while others decide."""

    told: Told
    begun: Told


class IndependentArms:
    """One title a request, the same for everybody who may see the same titles."""

    def __init__(
        self,
        policy_id: str,
        catalog: Catalog,
        config: IndependentConfig = IndependentConfig(),
        learned: Told | None = None,
        versions: Versions[Told] | None = None,
        features: Doubles | None = None,
    ) -> None:
        """`learned` is where it goes on from, perhaps of fewer titles; `features` (titles, width) say which titles are
        alike, zeros where nothing is known; None = none are.
        """
        if features is not None and len(features) != len(catalog):
            raise BadRequest(f"features of {len(features)} titles for {len(catalog)}; give a row each")
        self.policy_id, self.catalog, self.config, self.features = policy_id, catalog, config, features
        told = (Told.nothing(0) if learned is None else learned).grown(len(catalog))
        self._versions = kept_from(told, learned is None, versions)
        self._take(told)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._mind.told.version

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        told = self._mind.begun
        width = () if self.features is None else self.features.shape[1:]
        maker = Maker(self.policy_id, "", digest(self.policy_id, self.config, *width), told.version)
        scores = np.broadcast_to(self.config.belief.moments(told)[0], (len(requests), len(self.catalog)))
        return drawn(requests, self._probs(requests, told), scores, rng, maker)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each title alone with what is known now; -inf for anything else."""
        return log_probs_of(decisions, self._probs(decisions.requests, self._mind.begun))

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title."""
        probs = self._probs(requests, self._mind.begun)
        return Distribution.of_masks(probs > 0, probs)

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and standard deviation of each title's reward, each (batch, titles)."""
        mean, deviation = self.config.belief.moments(self._mind.begun)
        shape = len(requests), len(self.catalog)
        return np.broadcast_to(mean, shape), np.broadcast_to(deviation, shape)

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from the titles of any decisions, as often as each stands for: `rewards` (lines,), NaN where nobody
        looked.
        """
        seen = decisions.layer(Layer.TITLE) & ~np.isnan(rewards)
        items, titles = decisions.choices.actions[seen], len(self.catalog)
        often = decisions.stands_for[decisions.choices.decisions[seen]]
        told = self._mind.told
        counts, sums = told.counts + np.bincount(items, often, titles), told.sums.copy()
        np.add.at(sums, items, often * rewards[seen])
        told = Told(counts, sums, told.version + 1)
        self._versions.keep(told)
        self._take(told)

    def at(self, posterior: int) -> IndependentArms:
        """The same arms as they were with this version. Raises `NotFound` where it is gone."""
        told = self._versions.find(posterior)
        return IndependentArms(self.policy_id, self.catalog, self.config, told, self._versions, self.features)

    def save(self, folder: Path) -> None:
        """Write what was learned; `Told.load` reads it."""
        self._mind.told.save(folder, self.config)

    def _take(self, told: Told) -> None:
        features = self.features
        self._mind = _Mind(told, told if features is None else begun_alike(self.config.belief, told, features))

    def _probs(self, requests: Requests, told: Told) -> Doubles:
        """(batch, titles), worked out once for all requests that may be shown the same."""
        masks, whose = distinct_offers(self.catalog, requests)
        return self.config.probabilities(told, masks)[whose]
