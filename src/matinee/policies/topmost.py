"""A policy of single titles as the billboard of pages that others made: what would it have put first?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from matinee.decision import Decisions, Distribution, Policy, Requests
from matinee.decision.contracts import Enumerates
from matinee.maths.arrays import Doubles
from matinee.policies.layered import of_new_titles


class Arms(Policy, Enumerates, Protocol):
    """A policy of single titles that gives its whole distribution."""


@dataclass(frozen=True)
class Topmost:
    """What `top` says of the first titles of pages, among those new to the member, as `Layered` asks it."""

    top: Arms

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request."""
        return replace(self.top.decide(of_new_titles(requests), rng), requests=requests)

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) log-probability of first titles alone."""
        return self.top.log_prob(replace(decisions, requests=of_new_titles(decisions.requests)))

    def probabilities(self, requests: Requests) -> Distribution:
        """P(title) for every title that may stand first."""
        return self.top.probabilities(of_new_titles(requests))
