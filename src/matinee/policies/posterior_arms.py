"""Arms that choose by what a model of your own believes of titles' scores: logistic, or one linear model a title."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Distribution, Layer, Maker, Requests, digest
from matinee.errors import BadRequest, NotFound
from matinee.maths.arrays import Doubles, Int32s
from matinee.policies.features import Features
from matinee.policies.posterior import Beliefs
from matinee.policies.thompson import ThompsonSampling

KEPT = 32  # versions that can be asked again


class Rewarded(NamedTuple):
    """A batch of rewards in 0..1: of `members` (n, size), for titles `items` (n,), `rewards` (n,)."""

    members: Doubles
    items: Int32s
    rewards: Doubles


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

    def save(self, folder: Path) -> None:
        """Write it into an existing folder, as arrays and JSON."""
        ...


@dataclass(frozen=True, slots=True)
class PosteriorArmsConfig:
    """`sampling`: Thompson sampling; else the title with the largest mean. `floor`: the share of decisions in which
    every eligible title is as likely as any other.
    """

    sampling: bool = True
    floor: float = 0.01

    def __post_init__(self) -> None:
        if not 0.0 < self.floor <= 1.0:
            raise BadRequest(f"the floor is {self.floor}; give a share above 0, at most 1")


class PosteriorArms:
    """One title a request, by Thompson sampling from the beliefs of `knowledge`; see `thompson.py`."""

    def __init__(
        self,
        policy_id: str,
        catalog: Catalog,
        features: Features,
        knowledge: Knowledge,
        config: PosteriorArmsConfig = PosteriorArmsConfig(),
    ) -> None:
        """`features` are of `catalog`'s titles, and `knowledge` of as many."""
        self.policy_id, self.catalog, self.features, self.config = policy_id, catalog, features, config
        self._thompson = ThompsonSampling(catalog, features, config.sampling, config.floor, self._worth)
        self._versions: dict[int, Knowledge] = {}
        self._take(knowledge)

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._knowledge.version

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        return self._thompson.decide(requests, self._beliefs, rng, self._maker())

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice with what is known now; -inf for what is no title alone."""
        return self._thompson.log_prob(decisions, self._beliefs)

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title."""
        return self._thompson.probabilities(requests, self._beliefs)

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and standard deviation of each title's reward, each (batch, titles)."""
        return self._knowledge.rewards(*self._beliefs.of(self.features.members(requests)))

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from the titles of any decisions: `rewards` (lines,) in 0..1, NaN where nobody looked."""
        choices = decisions.choices
        if rewards.shape != choices.log_probs.shape:
            raise BadRequest(f"{rewards.shape} rewards for {len(choices.log_probs)} choices; give one each")
        lines = decisions.layer(Layer.TITLE) & ~np.isnan(rewards)
        if ((rewards[lines] < 0) | (rewards[lines] > 1)).any():
            raise BadRequest(f"rewards go from {rewards[lines].min()} to {rewards[lines].max()}; give them in 0 to 1")
        members = self.features.members(decisions.requests)[choices.decisions[lines]]
        told = Rewarded(members, choices.actions[lines], rewards[lines].astype(np.float64))
        self._take(self._knowledge.after(told, self.features.titles))

    def at(self, posterior: int) -> PosteriorArms:
        """The same arms as they were with this version. Raises `NotFound` where it is gone."""
        if posterior not in self._versions:
            raise NotFound(f"version {posterior} is not among the latest {KEPT}; replay the log to have it again")
        return PosteriorArms(self.policy_id, self.catalog, self.features, self._versions[posterior], self.config)

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        self._knowledge.save(folder)

    def _take(self, knowledge: Knowledge) -> None:
        self._beliefs, self._knowledge = knowledge.beliefs(self.features.titles), knowledge
        self._versions[knowledge.version] = knowledge
        self._versions.pop(knowledge.version - KEPT, None)

    def _worth(self, means: Doubles) -> Doubles:
        return self._knowledge.rewards(means, 0.0)[0]

    def _maker(self) -> Maker:
        parameters = digest(self.policy_id, self.config, self.features.axes.shape)
        return Maker(self.policy_id, "", parameters, self._knowledge.version)
