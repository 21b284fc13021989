"""Off-policy estimates where the truth is known: coverage in the world, rankers by RECAP, speed.

    python benchmarks/bench_counterfactual.py

In the world: `REPEATS` days on which a policy that prefers some titles logs one title a visit; what another
policy would have earned is estimated from each day alone and compared with the truth, which the world
enumerates for the same visits.
Rankers: logs of `ROUNDS` rounds over a thousand actions, five deterministic rankers of rising noise; how well estimates
order them as the truth does (Kendall's tau), and their spread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from machine import machine
from scipy.stats import kendalltau

from matinee.catalog import Catalog
from matinee.decision import Choices, Decisions, Distribution, Maker, Progress, Requests, decision_ids, no_progress
from matinee.decision.eligibility import eligible
from matinee.evaluate.counterfactual import Asked, judged
from matinee.maths import off_policy
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import normal
from matinee.maths.off_policy_ranks import Discount, rank_discounted
from matinee.page import ONE_TITLE
from matinee.simulate.config import WorldConfig
from matinee.simulate.world import World
from matinee.testing import make_catalog

REPEATS, MEMBERS, TITLES = 1_000, 5_000, 60
LOGS, ROUNDS, ACTIONS, CONTEXT = 40, 5_000, 1_000, 10
NOISES = (0.0, 0.5, 1.0, 2.0, 4.0)  # of the rankers, in deviations of the truth


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


def run(progress: Progress = no_progress, repeats: int = REPEATS, logs: int = LOGS) -> dict[str, Any]:
    """Coverage, Kendall's tau and spread of rankers, and seconds for a million rounds."""
    return {**coverage(progress, repeats), "rankers": rankers(logs), **speed(), "machine": machine()}


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


def rankers(logs: int) -> dict[str, dict[str, float]]:
    """Kendall's tau with the truth and standard deviation of each estimator over logs of a uniform policy."""
    found: dict[str, list[Doubles]] = {}
    taus: dict[str, list[float]] = {}
    for seed in range(logs):
        rng = np.random.default_rng([2, seed])
        actions, contexts = rng.normal(size=(ACTIONS, CONTEXT)), rng.normal(size=(ROUNDS, CONTEXT))
        likely = 1 / (1 + np.exp(-(contexts @ actions.T) / np.sqrt(CONTEXT) + 1))
        chosen = rng.integers(ACTIONS, size=ROUNDS)
        at = np.arange(ROUNDS)
        rewards = (rng.random(ROUNDS) < likely[at, chosen]).astype(np.float64)
        values: dict[str, list[float]] = {}
        for noise in NOISES:
            scores = contexts @ (actions + noise * rng.normal(size=actions.shape)).T
            values.setdefault("truth", []).append(float(likely[at, scores.argmax(axis=1)].mean()))
            match = (scores.argmax(axis=1) == chosen) * float(ACTIONS)
            values.setdefault("IPS", []).append(float(off_policy.ips(match, rewards).mean()))
            values.setdefault("SNIPS", []).append(float(off_policy.snips(match, rewards).mean()))
            for discount in Discount:
                weights = rank_discounted(scores, chosen, discount) * ACTIONS
                values.setdefault(discount.value, []).append(float(off_policy.snips(weights, rewards).mean()))
        for name, one in values.items():
            found.setdefault(name, []).append(np.array(one) - np.array(values["truth"]))
            taus.setdefault(name, []).append(float(kendalltau(np.nan_to_num(one), values["truth"]).statistic))
    return {
        name: {
            "tau": float(np.nanmean(taus[name])),
            "bias": float(np.nanmean(found[name])),
            "deviation": float(np.nanstd(found[name], axis=0).mean()),
        }
        for name in found
        if name != "truth"
    }


def speed() -> dict[str, float]:
    """Seconds for a million rounds by five estimators with their intervals, the least of five."""
    rng = np.random.default_rng(3)
    w, r, q = rng.exponential(size=1_000_000), rng.random(1_000_000), rng.random(1_000_000)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        for values in (
            off_policy.ips(w, r),
            off_policy.snips(w, r),
            off_policy.dr(w, r, q, q),
            off_policy.dr(off_policy.shrunk(w, 9.0), r, q, q),
            off_policy.difference(w, np.ones_like(w), r),
        ):
            normal(values)
        seconds.append(time.perf_counter() - started)
    return {"seconds, a million rounds x 5": min(seconds)}


if __name__ == "__main__":
    for key, one in run().items():
        print(key, one)
