"""One linear learner over all titles: it believes a distribution of each title's reward, and chooses by it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Distribution, Layer, Maker, Requests, digest
from matinee.errors import BadRequest, require_floor, require_optimism
from matinee.maths.arrays import Doubles
from matinee.policies.features import Features
from matinee.policies.posterior import Beliefs, Prior
from matinee.policies.thompson import ThompsonSampling
from matinee.policies.versions import Versions, kept_from
from matinee.policies.windowed import Learned, nothing_learned


@dataclass(frozen=True, slots=True)
class ArmsConfig:
    """`sampling`: Thompson sampling, each title with the probability that it is the best; else the greedy title, or,
    with `optimism`, that of the largest mean + `optimism` deviations (UCB), equals sharing.

    `floor`: the share of decisions in which every eligible title is as likely as any other, so that each has a
    probability above 0 and what it is worth can be told from the log.
    """

    sampling: bool = True
    floor: float = 0.01
    prior: Prior = Prior()
    optimism: float = 0.0

    def __post_init__(self) -> None:
        require_floor(self.floor)
        require_optimism(self.optimism, self.sampling)


class _Mind(NamedTuple):
    """What was learned, and what follows from it: swapped as one while others decide."""

    posterior: Learned
    beliefs: Beliefs


class LinearArms:
    """Thompson sampling, greedy or optimistic choice, of one title by the linear model of `posterior.py`; see
    `ArmsConfig`.

    The titles' scores count as independent normals, see `thompson.py`. The random bits are
    those of `rng` and of the version: asked again with the same seed it chooses alike until it has learned, and what it
    then knows cannot have come of those bits. Safe to share by threads; one of them learns.
    """

    def __init__(
        self,
        policy_id: str,
        artifact_id: str,
        catalog: Catalog,
        features: Features,
        config: ArmsConfig = ArmsConfig(),
        learned: Learned | None = None,
        versions: Versions[Learned] | None = None,
    ) -> None:
        """`features` are of `catalog`'s titles; `learned` is where it goes on from, perhaps of fewer titles."""
        size = features.axes.shape[1] + 1
        assert len(features.titles) == len(catalog)
        self.policy_id, self.artifact_id = policy_id, artifact_id
        self.catalog, self.features, self.config = catalog, features, config
        self._thompson = ThompsonSampling(catalog, features, config.sampling, config.floor, config.optimism)
        nothing = nothing_learned(len(catalog), size, config.prior)
        start = nothing if learned is None else learned.grown(len(catalog))
        if start.rewards.shape != (len(catalog), size):
            raise BadRequest(f"a posterior of shape {start.rewards.shape} for {len(catalog)} titles, {size} features")
        self._versions = kept_from(start, learned is None, versions)
        self._take(start)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._mind.posterior.version

    @property
    def as_of(self) -> int:
        """The time of the latest decision learned from (microseconds since 1970, UTC), 0 for none."""
        return self._mind.posterior.as_of

    @property
    def told(self) -> tuple[Doubles, Doubles]:
        """What was learned of each title, (titles,): what its looks count, and the sum of their rewards."""
        posterior = self._mind.posterior
        return posterior.products[:, 0], posterior.rewards[:, 0]

    @property
    def learned_as(self) -> str:
        """Under which what it learns is kept: sums over rewards, whatever is said of titles since."""
        return digest(*self._parts)

    @property
    def maker(self) -> Maker:
        """What its decisions say of who made them now."""
        return self._maker(self._mind)

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        mind = self._mind
        return self._thompson.decide(requests, mind.beliefs, rng, self._maker(mind))

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice with what is known now; `at` goes back. -inf for what is no title
        alone.
        """
        return self._thompson.log_prob(decisions, self._mind.beliefs)

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title; batch x titles doubles are made on the way."""
        return self._thompson.probabilities(requests, self._mind.beliefs)

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and standard deviation of each title's reward, each (batch, titles)."""
        return self._mind.beliefs.of(self.features.members(requests))

    def learn(self, decisions: Decisions, rewards: Doubles, weights: Doubles | None = None) -> None:
        """Learn from the titles of any decisions, its own and others': `rewards` (lines,), NaN where nobody looked, and
        what each counts, `weights` (lines,), None = 1, for every decision that its own stands for.
        """
        choices = decisions.choices
        counts = np.ones(rewards.shape) if weights is None else weights
        if not rewards.shape == counts.shape == choices.log_probs.shape:
            shapes = f"{rewards.shape} rewards and {counts.shape} weights"
            raise BadRequest(f"{shapes} for {len(choices.log_probs)} choices; give one each")
        told = decisions.layer(Layer.TITLE) & ~np.isnan(rewards) & (counts > 0)
        by = choices.decisions[told]
        posterior = self._mind.posterior.after(
            self.features.members(decisions.requests)[by],
            choices.actions[told],
            rewards[told].astype(np.float64),
            decisions.requests.times[by],
            self.config.prior,
            int(decisions.requests.times.max(initial=0)),
            counts[told] * decisions.stands_for[by],
        )
        self._versions.keep(posterior)
        self._take(posterior)

    def catch_up(self) -> None:
        """Take up the newest version that was kept, where another process has learned since."""
        latest = self._versions.latest
        if latest is not None and latest.version > self.posterior:
            self._take(latest.grown(len(self.catalog)))

    def at(self, posterior: int) -> LinearArms:
        """The same arms as they were with this version. Raises `NotFound` where it is gone."""
        found = self._versions.find(posterior)
        parts = (self.policy_id, self.artifact_id, self.catalog, self.features, self.config)
        return LinearArms(*parts, found, self._versions)

    def save(self, folder: Path) -> None:
        """Write what was learned; `Posterior.load` reads it."""
        self._mind.posterior.save(folder, self.config.prior)

    def _take(self, posterior: Learned) -> None:
        beliefs = posterior.beliefs(self.features.titles, self.config.prior, self.features.doubts)
        self._mind = _Mind(posterior, beliefs)

    def _maker(self, mind: _Mind) -> Maker:
        parameters = digest(*self._parts, *self.catalog.versioned)
        return Maker(self.policy_id, self.artifact_id, parameters, mind.posterior.version)

    @property
    def _parts(self) -> tuple[object, ...]:
        return self.policy_id, self.config, self.features.axes.shape
