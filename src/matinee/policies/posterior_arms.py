"""Arms that choose by what a model of your own believes of titles' scores: logistic, or one linear model a title."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Distribution, Layer, Maker, Requests, digest
from matinee.errors import BadRequest, require_floor, require_optimism
from matinee.maths.arrays import Doubles, Int32s
from matinee.policies.features import Features
from matinee.policies.posterior import Beliefs
from matinee.policies.thompson import ThompsonSampling
from matinee.policies.versions import Versions, kept_from


class Rewarded(NamedTuple):
    """A batch of rewards in 0..1: of `members` (n, size), for titles `items` (n,), `rewards` (n,), each of which counts
    as often as `counts` (n,) say, None = once.
    """

    members: Doubles
    items: Int32s
    rewards: Doubles
    counts: Doubles | None = None

    @property
    def often(self) -> Doubles:
        """(n,) how often each counts."""
        return np.ones(len(self.items)) if self.counts is None else self.counts


class Knowledge(Protocol):
    """What rewards taught. Frozen: a batch makes a new one."""

    @property
    def version(self) -> int:
        """How many batches of rewards were learned."""
        ...

    def after(self, told: Rewarded, titles: Doubles) -> Self:
        """With a batch of rewards, for titles with features `titles` (titles, width)."""
        ...

    def beliefs(self, titles: Doubles) -> Beliefs:
        """Normal beliefs of every title's score."""
        ...

    def rewards(self, means: Doubles, deviations: Doubles | float) -> tuple[Doubles, Doubles]:
        """Mean and deviation of the reward, where those of the score are these."""
        ...

    def grown(self, titles: int) -> Self:
        """The same for a catalogue that has grown to `titles`."""
        ...

    def same(self, other: Self) -> bool:
        """Whether both say the same to the bit."""
        ...

    def save(self, folder: Path) -> None:
        """Write it into an existing folder, as arrays and JSON; its `load` reads it."""
        ...


class _Mind(NamedTuple):
    """What was learned, and what follows from it: swapped as one while others decide."""

    knowledge: Knowledge
    beliefs: Beliefs


@dataclass(frozen=True, slots=True)
class PosteriorArmsConfig:
    """`sampling`: Thompson sampling; else the title with the largest mean + `optimism` deviations, see `ArmsConfig`.
    `floor`: the share of decisions in which every eligible title is as likely as any other.
    """

    sampling: bool = True
    floor: float = 0.01
    optimism: float = 0.0

    def __post_init__(self) -> None:
        require_floor(self.floor)
        require_optimism(self.optimism, self.sampling)


class PosteriorArms:
    """One title a request, by Thompson sampling from the beliefs of `knowledge`; see `thompson.py`."""

    def __init__(
        self,
        policy_id: str,
        catalog: Catalog,
        features: Features,
        knowledge: Knowledge,
        config: PosteriorArmsConfig = PosteriorArmsConfig(),
        versions: Versions[Knowledge] | None = None,
    ) -> None:
        """`features` are of `catalog`'s titles; `knowledge` is where it goes on from, perhaps of fewer titles."""
        self.policy_id, self.catalog, self.features, self.config = policy_id, catalog, features, config
        self._versions = kept_from(knowledge, knowledge.version == 0, versions)
        self._take(knowledge.grown(len(catalog)))

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._mind.knowledge.version

    @property
    def knowledge(self) -> Knowledge:
        """What was learned."""
        return self._mind.knowledge

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        mind = self._mind
        return self._thompson(mind).decide(requests, mind.beliefs, rng, self._maker(mind))

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice with what is known now; -inf for what is no title alone."""
        return self._thompson(self._mind).log_prob(decisions, self._mind.beliefs)

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title."""
        return self._thompson(self._mind).probabilities(requests, self._mind.beliefs)

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and standard deviation of each title's reward, each (batch, titles)."""
        mind = self._mind
        return mind.knowledge.rewards(*mind.beliefs.of(self.features.members(requests)))

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from the titles of any decisions, as often as each stands for: `rewards` (lines,) in 0..1, NaN where
        nobody looked.
        """
        choices = decisions.choices
        if rewards.shape != choices.log_probs.shape:
            raise BadRequest(f"{rewards.shape} rewards for {len(choices.log_probs)} choices; give one each")
        lines = decisions.layer(Layer.TITLE) & ~np.isnan(rewards)
        if ((rewards[lines] < 0) | (rewards[lines] > 1)).any():
            raise BadRequest(f"rewards go from {rewards[lines].min()} to {rewards[lines].max()}; give them in 0 to 1")
        by = choices.decisions[lines]
        members = self.features.members(decisions.requests)[by]
        told = Rewarded(members, choices.actions[lines], rewards[lines].astype(np.float64), decisions.stands_for[by])
        knowledge = self._mind.knowledge.after(told, self.features.titles)
        self._versions.keep(knowledge)
        self._take(knowledge)

    def at(self, posterior: int) -> PosteriorArms:
        """The same arms as they were with this version. Raises `NotFound` where it is gone."""
        knowledge = self._versions.find(posterior)
        return PosteriorArms(self.policy_id, self.catalog, self.features, knowledge, self.config, self._versions)

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        self._mind.knowledge.save(folder)

    def _take(self, knowledge: Knowledge) -> None:
        self._mind = _Mind(knowledge, knowledge.beliefs(self.features.titles))

    def _thompson(self, mind: _Mind) -> ThompsonSampling:
        config = self.config

        def worth(means: Doubles) -> Doubles:
            return mind.knowledge.rewards(means, 0.0)[0]

        return ThompsonSampling(self.catalog, self.features, config.sampling, config.floor, config.optimism, worth)

    def _maker(self, mind: _Mind) -> Maker:
        parameters = digest(self.policy_id, self.config, self.features.axes.shape)
        return Maker(self.policy_id, "", parameters, mind.knowledge.version)
