"""Decisions of the linear arms with their probabilities: 100,000 members with twenty titles each, 1,000 titles.

    python benchmarks/bench_arms.py

Days of 100,000 decisions in a made-up world whose rewards follow the direction of a member's taste and a part of each
title's own. A decision is everything from requests to Decisions: features, eligibility, beliefs, quadrature, draw.
Seconds are of the clock and of the process's cores: on a busy machine only the latter tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from machine import machine

from matinee.decision import Decisions, Requests
from matinee.events import Kind
from matinee.history import Histories
from matinee.maths.arrays import Doubles
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import AverageTaste, Features
from matinee.testing import make_catalog

BATCH, TITLES, SIZE, HISTORY, DAYS = 100_000, 1_000, 7, 20, 8


def run(say: Callable[[str], None] = print) -> dict[str, Any]:
    """Decisions a second by the clock and by the cores, day by day, for sampling and greedy."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(TITLES, 32)) * np.linspace(2.0, 0.2, 32)
    features = Features.of(AverageTaste(vectors.astype(np.float32)), TITLES, SIZE)
    requests, own = _requests(rng), rng.normal(0.0, 0.05, TITLES)
    found: dict[str, Any] = {"machine": machine()}
    say(f"{BATCH:,} decisions a day, {TITLES:,} titles, {SIZE + 1} features, {machine()}")
    for name, config in (("thompson", ArmsConfig()), ("greedy", ArmsConfig(sampling=False))):
        arms = LinearArms(name, "made-up", make_catalog(TITLES), features, config)
        arms.decide(requests.take(np.arange(10)), rng)
        found[name] = [_day(arms, requests, features, own, np.random.default_rng(day), say) for day in range(DAYS)]
    return found


def _day(
    arms: LinearArms,
    requests: Requests,
    features: Features,
    own: Doubles,
    rng: np.random.Generator,
    say: Callable[[str], None],
) -> dict[str, float]:
    clock, cores = time.perf_counter(), time.process_time()
    made = arms.decide(requests, rng)
    clock, cores = time.perf_counter() - clock, time.process_time() - cores
    rewards = (rng.random(BATCH) < _worth(made, features, own)).astype(np.float64)
    learning = time.perf_counter()
    arms.learn(made, rewards)
    learning = time.perf_counter() - learning
    told = {
        "decisions_a_second": BATCH / clock,
        "core_microseconds_a_decision": 1e6 * cores / BATCH,
        "learning_seconds": learning,
        "reward": float(rewards.mean()),
        "entropy": float(-made.choices.log_probs.mean()),
    }
    say("   ".join(f"{name} {value:,.3f}" for name, value in {"day": arms.posterior, **told}.items()))
    return told


def _worth(made: Decisions, features: Features, own: Doubles) -> Doubles:
    """(batch,) the chance that the chosen title pleases."""
    members, titles = features.members(made.requests)[:, 1:], features.titles[made.titles][:, 1:]
    return np.clip(0.1 + 0.1 * np.sum(members * titles, axis=1) + own[made.titles], 0.01, 0.95)


def _requests(rng: np.random.Generator) -> Requests:
    events = BATCH * HISTORY
    histories = Histories(
        np.arange(0, events + 1, HISTORY),
        rng.integers(TITLES, size=events, dtype=np.int32),
        np.full(events, Kind.PLAY, np.int8),
        np.ones(events, np.float32),
        np.arange(events),
    )
    return Requests.of_histories(histories, 2 * events, surface="billboard")


if __name__ == "__main__":
    run()
