"""Replay of policies that learn: on the Open Bandit's uniform log, and in a world where their life can be lived.

    python benchmarks/off_policy_replay.py [FOLDER]

FOLDER holds the Open Bandit Dataset (random/all/all.csv); without it the small sample is fetched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_bandit as sample

from matinee.catalog import Catalog
from matinee.decision import Decisions, Policy, Requests
from matinee.errors import BadData
from matinee.evaluate.bandit_feedback import Contexts, decisions_of
from matinee.evaluate.replay import replay
from matinee.history import Histories
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import normal
from matinee.policies.disjoint import Disjoint, DisjointPrior
from matinee.policies.features import Features
from matinee.policies.independent import BetaBelief, IndependentArms, IndependentConfig
from matinee.policies.posterior_arms import PosteriorArms, PosteriorArmsConfig
from matinee.policies.uniform import Uniform
from matinee.testing import make_catalog

LIVES, ROUNDS, AT_ONCE, KINDS, TITLES, AXES = 5, 10_000, 100, 4, 10, 4
BELIEF, PRIOR = BetaBelief(1.0, 9.0), DisjointPrior(0.1, 0.2, 0.4)


def independent(**settings: Any) -> Callable[[Catalog, Features], Policy]:
    """Arms that know nothing of contexts."""
    return lambda catalog, _: IndependentArms("arms", catalog, IndependentConfig(BELIEF, **settings))


def linear(**settings: Any) -> Callable[[Catalog, Features], Policy]:
    """One linear model of contexts a title."""

    def made(catalog: Catalog, features: Features) -> Policy:
        nothing = Disjoint.nothing(len(catalog), features.axes.shape[1] + 1, PRIOR)
        return PosteriorArms("arms", catalog, features, nothing, PosteriorArmsConfig(**settings))

    return made


LEARNERS: dict[str, Callable[[Catalog, Features], Policy]] = {
    "Thompson": independent(),
    "UCB": independent(optimism=2.0),
    "epsilon-greedy": independent(optimism=0.0, floor=0.1),
    "LinTS": linear(),
    "LinUCB": linear(sampling=False, optimism=1.0),
}


def on_the_sample(folder: Path | None = None) -> dict[str, str]:
    """What each learner would have earned at the start of its life on the uniform log, biased low, for it hears of
    matched rounds alone; and that the log of Thompson sampling is refused.
    """
    uniform, learned = (sample.feedback_in(folder, policy) for policy in sample.POLICIES)
    decisions, rewards = decisions_of(uniform)
    titles, features = make_catalog(uniform["n_actions"]), Contexts(uniform["context"])
    found = {"uniform, on policy": sample.interval(normal(rewards))}
    for name, make in LEARNERS.items():
        one = replay(make(titles, features.features(len(titles), AXES)), decisions, rewards, np.random.default_rng(0))
        found[name] = f"{sample.interval(one.value)}, {int(one.matched.sum())} of {len(rewards):,} rounds matched"
    try:
        replay(Uniform(titles), *decisions_of(learned), np.random.default_rng(0))
    except BadData as refused:
        found["on the log of Thompson sampling"] = f"refused: {str(refused).partition(';')[0]}"
    return found


def replays(lives: int = LIVES, rounds: int = ROUNDS) -> dict[str, Any]:
    """Ten titles, four kinds of members, 10,000 uniform rounds: each learner's replay, and what it earns in a life of
    as many rounds; in rewards a round, with 95 % intervals over lives.
    """
    means, found = np.random.default_rng(7).uniform(0.05, 0.75, (KINDS, TITLES)), dict[str, Any]()
    for name, make in LEARNERS.items():
        told, lived = np.transpose([_replay_and_life(make, means, seed, rounds) for seed in range(lives)])
        found[f"{name}: replay"], found[f"{name}: life"] = float(told.mean()), float(lived.mean())
        found[f"{name}: replay less life"] = sample.interval(normal(told - lived))
    return found


def _replay_and_life(
    make: Callable[[Catalog, Features], Policy], means: Doubles, seed: int, n: int
) -> tuple[float, float]:
    rng, catalog = np.random.default_rng([8, seed]), make_catalog(TITLES)
    kinds = rng.integers(KINDS, size=n)
    earns, features = means[kinds], Contexts(np.eye(KINDS)[kinds]).features(TITLES, KINDS - 1)
    requests = replace(Requests.of_histories(Histories.empty(n)), times=np.arange(n))
    uniform = Uniform(catalog).decide(requests, rng)
    told = replay(make(catalog, features), uniform, _coins(uniform, earns, rng), rng, AT_ONCE)
    policy, earned = make(catalog, features), []
    for start in range(0, n, AT_ONCE):
        rows = np.arange(start, start + AT_ONCE)
        decisions = policy.decide(requests.take(rows), rng)
        earned.append(_coins(decisions, earns[rows], rng))
        policy.learn(decisions, earned[-1])  # type: ignore[attr-defined]
    return told.value.value, float(np.mean(earned))


def _coins(decisions: Decisions, earns: Doubles, rng: np.random.Generator) -> Doubles:
    """(lines,) a coin a decision; `earns` (decisions, titles)."""
    rounds = np.arange(len(decisions))
    return (rng.random(len(rounds)) < earns[rounds, decisions.choices.actions]).astype(np.float64)


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for key, value in (on_the_sample(given) | replays()).items():
        print(f"{key}: {value}")
