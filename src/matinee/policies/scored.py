"""Any scores and any rule as a policy of single titles: epsilon-greedy, Boltzmann, SquareCB and rules of your own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Distribution, Maker, Requests, digest
from matinee.decision.eligibility import eligible
from matinee.maths.arrays import Doubles, Flags
from matinee.policies.drawing import drawn, log_probs_of

Scores: TypeAlias = Callable[[Requests], Doubles]  # (batch, titles), in 0..1 where they are probabilities
Rule: TypeAlias = Callable[[Doubles, Flags], Doubles]  # see `rules`


@dataclass(frozen=True)
class Scored:
    """One eligible title a request, with the probability that `rule` gives it for its `scores`.

    A batch holds some doubles for each of its titles: ask in chunks.
    """

    policy_id: str
    artifact_id: str
    catalog: Catalog
    scores: Scores
    rule: Rule

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request; none where none is eligible."""
        scores = np.asarray(self.scores(requests), np.float64)
        probs = self.rule(scores, eligible(self.catalog, requests))
        return drawn(requests, probs, scores, rng, self.maker)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of each title alone; -inf for anything else."""
        return log_probs_of(decisions, self._probs(decisions.requests))

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every eligible title that has any."""
        probs = self._probs(requests)
        return Distribution.of_masks(probs > 0, probs)

    @property
    def maker(self) -> Maker:
        """What its decisions say of who made them."""
        return Maker(self.policy_id, self.artifact_id, digest(self.policy_id, self.rule))

    def _probs(self, requests: Requests) -> Doubles:
        return self.rule(np.asarray(self.scores(requests), np.float64), eligible(self.catalog, requests))
