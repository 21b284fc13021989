"""Off-policy estimates where the truth is known: how often a day's interval in the world holds it.

    python benchmarks/bench_counterfactual.py

In the world: `REPEATS` days on which a policy that prefers some titles logs one title a visit; what another
policy would have earned is estimated from each day alone and compared with the truth, which the world
enumerates for the same visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from machine import machine

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Distribution, Maker, Progress, Requests, decision_ids, no_progress
from matinee.decision.eligibility import eligible
from matinee.evaluate.counterfactual import Asked, judged
from matinee.maths.arrays import Doubles
from matinee.page import ONE_TITLE
from matinee.simulate.config import WorldConfig
from matinee.simulate.world import World
from matinee.testing import make_catalog

REPEATS, MEMBERS, TITLES = 1_000, 5_000, 60


@dataclass(frozen=True)
class Tilted:
    """One eligible title in proportion to e^logit, the same `logits` (titles,) for everybody."""

    name: str
    catalog: Catalog
    logits: Doubles

    def decide(self, requests: Requests, rng: np.random.Generator) -> Decisions:
        """One title per request."""
        probs = self._probs(requests)
        bits = rng.integers(2**64, size=len(requests), dtype=np.uint64)
        share = (bits >> np.uint64(11)) * 2.0**-53
        items = (np.cumsum(probs, axis=1) < share[:, None]).sum(axis=1).astype(np.int32)
        counts = (probs > 0).sum(axis=1).astype(np.int32)
        choices = Choices.of_titles(items, np.log(probs[np.arange(len(items)), items]), counts)
        ids = decision_ids(len(requests), rng)
        return Decisions(requests, ids, (Maker(self.name),), choices, counts, bits, catalog=len(self.catalog))

    def log_prob(self, decisions: Decisions) -> Doubles:
        """(lines,) of the titles chosen."""
        choices = decisions.choices
        return np.log(self._probs(decisions.requests)[choices.decisions, choices.actions])

    def probabilities(self, requests: Requests) -> Distribution:
        """The whole distribution."""
        return Distribution.of_masks(eligible(self.catalog, requests), self._probs(requests))

    def _probs(self, requests: Requests) -> Doubles:
        weights = np.where(eligible(self.catalog, requests), np.exp(self.logits), 0.0)
        return weights / weights.sum(axis=1, keepdims=True)


def run(progress: Progress = no_progress, repeats: int = REPEATS) -> dict[str, Any]:
    """Coverage and widths of intervals."""
    return {**coverage(progress, repeats), "machine": machine()}


def coverage(progress: Progress, repeats: int) -> dict[str, Any]:
    """Of 95 % intervals of one day each, the share that holds the truth; their mean width against the value."""
    rng = np.random.default_rng(0)
    config = WorldConfig(launching=0.0, leaving=0.0, cancelling=0.0)
    world = World.drawn(MEMBERS, make_catalog(TITLES), config, seed=0)
    logger = Tilted("logger", world.catalog, rng.normal(0.0, 0.7, TITLES))
    target = Tilted("target", world.catalog, rng.normal(0.0, 0.7, TITLES))
    held, widths, effective = np.zeros((repeats, 3), bool), np.zeros((repeats, 3)), np.zeros(repeats)
    for day in range(repeats):
        if day % 50 == 0:
            progress(f"day {day} of {repeats}", day / repeats)
        requests = world.requests(next(iter(world.day(day))).at_home, layout=ONE_TITLE)
        decisions = logger.decide(requests, np.random.default_rng([1, day]))
        rewards = np.nan_to_num(world.answer(decisions).rewards)
        new, current = (world.truth(policy, requests).mean() for policy in (target, logger))
        said = target.log_prob(decisions)
        one = judged(Asked.of(decisions.choices, said, rewards, requests.members.astype(np.int64)))[0]
        effective[day] = one.effective / one.decisions
        for k, (found, truth) in enumerate(
            ((one.new, new), (one.difference, new - current), (one.relative, new / current - 1))
        ):
            held[day, k], widths[day, k] = found.low <= truth <= found.high, found.high - found.low
    names = ("value", "difference", "relative")
    return {
        "decisions a day": one.decisions,
        "effective share": float(effective.mean()),
        **{f"held, {name}": float(held[:, k].mean()) for k, name in enumerate(names)},
        **{f"width, {name}": float(widths[:, k].mean()) for k, name in enumerate(names)},
    }


if __name__ == "__main__":
    for key, one in run().items():
        print(key, one)
