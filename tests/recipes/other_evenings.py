"""What a policy would have earned in a world, on average over evenings of other luck."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import numpy as np

from matinee.data.outcomes import outcomes
from matinee.data.rewards import REWARDS


def evenings(policy, world, requests, catalog, seeds: int) -> Iterator[tuple]:
    """The decisions of each evening, and whether each choice was played, (lines,)."""
    for seed in range(seeds):
        other = deepcopy(world)
        other.seed = 100 + seed
        decisions = policy.decide(requests, np.random.default_rng(seed))
        answers = other.answer(decisions)
        yield decisions, outcomes(decisions, answers.events(catalog), catalog, 86_400.0, REWARDS["played"]).reward
