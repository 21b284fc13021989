"""LinUCB: the title that may be worth most, by what linear arms believe of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matinee.decision import Decisions, Distribution, Maker, Requests, digest
from matinee.decision.eligibility import eligible
from matinee.errors import BadRequest, require_floor
from matinee.maths.arrays import Doubles
from matinee.policies.drawing import drawn, log_probs_of
from matinee.policies.posterior_arms import PosteriorArms
from matinee.policies.rules import EpsilonGreedy


@dataclass(frozen=True, slots=True)
class OptimisticConfig:
    """`optimism`: deviations added to the mean (alpha). `floor`: the share of decisions in which every
    eligible title is as likely as any other.
    """

    optimism: float = 1.0
    floor: float = 0.01

    def __post_init__(self) -> None:
        require_floor(self.floor)
        if not self.optimism >= 0:
            raise BadRequest(f"optimism is {self.optimism}; give 0 or more deviations")


class OptimisticArms:
    """One title a request: the largest mean + optimism * deviation of the beliefs of `arms`.

    With `Disjoint` knowledge it is LinUCB with disjoint models (Li, Chu, Langford and Schapire 2010).
    """

    def __init__(self, policy_id: str, arms: PosteriorArms, config: OptimisticConfig = OptimisticConfig()) -> None:
        """`arms` keep what is learned; how they would choose themselves plays no part."""
        self.policy_id, self.config = policy_id, config
        self._arms = arms

    @property
    def posterior(self) -> int:
        """How many batches of rewards were learned."""
        return self._arms.posterior

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        arms = self._arms.at(self.posterior)
        maker = Maker(self.policy_id, "", digest(self.policy_id, self.config), arms.posterior)
        return drawn(requests, self._probs(requests, arms), arms.belief(requests)[0], rng, maker)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each choice with what is known now; -inf for what is no title alone."""
        return log_probs_of(decisions, self._probs(decisions.requests, self._arms))

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title."""
        probs = self._probs(requests, self._arms)
        return Distribution.of_masks(probs > 0, probs)

    def belief(self, requests: Requests) -> tuple[Doubles, Doubles]:
        """Mean and deviation of each title's reward, each (batch, titles)."""
        return self._arms.belief(requests)

    def learn(self, decisions: Decisions, rewards: Doubles) -> None:
        """Learn from the titles of any decisions, as `PosteriorArms.learn`."""
        self._arms.learn(decisions, rewards)

    def at(self, posterior: int) -> OptimisticArms:
        """The same as it was with this version. Raises `NotFound` where it is gone."""
        return OptimisticArms(self.policy_id, self._arms.at(posterior), self.config)

    def save(self, folder: Path) -> None:
        """Write what was learned."""
        self._arms.save(folder)

    def _probs(self, requests: Requests, arms: PosteriorArms) -> Doubles:
        mean, deviation = arms.belief(requests)
        bound = mean + self.config.optimism * deviation
        return EpsilonGreedy(self.config.floor)(bound, eligible(arms.catalog, requests))
