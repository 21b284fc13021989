"""Bias and deviation of estimators against the number of arms and of rounds, in worlds that are enumerated."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from matinee.evaluate.reward_model import FOLDS, TitleMeans
from matinee.maths import off_policy
from matinee.maths.arrays import Doubles, Int64s
from matinee.maths.off_policy_blend import blended
from matinee.maths.slope import slope
from matinee.report.courses import Series
from matinee.report.curves import Curves, Section

CONTEXTS, ARMS, ROUNDS = 100, (10, 100, 1_000), (500, 2_000, 8_000, 32_000)
USUAL_ARMS, USUAL_ROUNDS = 100, 5_000
STRENGTHS = (np.inf, 1_000.0, 100.0, 10.0, 1.0)  # of DRos, from least biased to least spread


class World(NamedTuple):
    """(contexts, arms) probabilities of the policy that logs and of the other, and mean rewards of coins."""

    logged: Doubles
    target: Doubles
    rewards: Doubles

    @property
    def truth(self) -> float:
        """What the other earns."""
        return float((self.target * self.rewards).sum() / len(self.rewards))

    def earned(self) -> float:
        """What the one that logs earns."""
        return float((self.logged * self.rewards).sum() / len(self.rewards))


class Log(NamedTuple):
    """Rounds: contexts, arms and rewards, (rounds,)."""

    contexts: Int64s
    arms: Int64s
    rewards: Doubles


def world(arms: int, seed: int, logging: float = 1.0, aim: float = 2.0) -> World:
    """Both policies prefer what earns, the other one more, each by its own noisy idea of it."""
    rng = np.random.default_rng([4, arms, seed])
    worth = rng.normal(size=(CONTEXTS, arms)) + rng.normal(size=arms)
    logits = (strength * (worth + rng.normal(size=worth.shape)) / 2 for strength in (logging, aim))
    logged, target = (_softmax(one) for one in logits)
    return World(logged, target, 1 / (1 + np.exp(1.5 - worth / 2)))


def log_of(known: World, rounds: int, rng: np.random.Generator) -> Log:
    """Rounds of uniform contexts."""
    x = rng.integers(len(known.logged), size=rounds)
    arms = (rng.random(rounds)[:, None] > np.cumsum(known.logged, axis=1)[x]).sum(axis=1)
    arms = np.minimum(arms, known.logged.shape[1] - 1)
    return Log(x, arms, (rng.random(rounds) < known.rewards[x, arms]).astype(np.float64))


def estimates(known: World, log: Log) -> dict[str, Doubles]:
    """Values of rounds of every estimator; the reward model is the arms' means, cross-fitted, blind to contexts."""
    weights = (known.target / known.logged)[log.contexts, log.arms]
    folds = np.arange(len(log.arms))
    model = TitleMeans.fit(log.arms.astype(np.int32), log.rewards, folds, known.logged.shape[1])
    told = model.of(folds, log.arms.astype(np.int32))
    baseline = (known.target @ model.of_title.T)[log.contexts, folds % FOLDS]
    shrunk = np.stack([off_policy.dr(off_policy.shrunk(weights, c), log.rewards, told, baseline) for c in STRENGTHS])
    plain = off_policy.ips(weights, log.rewards)
    self_normalised, robust = off_policy.snips(weights, log.rewards), shrunk[0]
    return {
        "IPS": plain,
        "SNIPS": self_normalised,
        "DM": baseline,
        "DR": robust,
        "DRos, SLOPE": shrunk[slope(shrunk)],
        "Meta-OPE": blended(np.stack([plain, self_normalised, robust])),
    }


def errors(arms: int, rounds: int, logs: int) -> dict[str, tuple[float, float]]:
    """Bias and deviation of each estimator over logs of one world, and of two ways to the difference."""
    known, found = world(arms, 0), dict[str, list[float]]()
    gain = known.truth - known.earned()
    for seed in range(logs):
        log = log_of(known, rounds, np.random.default_rng([5, arms, rounds, seed]))
        weights = (known.target / known.logged)[log.contexts, log.arms]
        values = {name: one.mean() - known.truth for name, one in estimates(known, log).items()}
        values["difference, IPS"] = off_policy.ips(weights, log.rewards).mean() - log.rewards.mean() - gain
        delta = off_policy.difference(weights, np.ones_like(weights), log.rewards)
        values["difference, Delta-OPE"] = delta.mean() - gain
        for name, one in values.items():
            found.setdefault(name, []).append(float(one))
    return {name: (float(np.mean(one)), float(np.std(one, ddof=1))) for name, one in found.items()}


def curves(logs: int) -> tuple[dict[str, Any], list[Section]]:
    """Findings, and a section for arms and one for rounds."""
    by_arms = [errors(arms, USUAL_ROUNDS, logs) for arms in ARMS]
    by_rounds = [errors(USUAL_ARMS, rounds, logs) for rounds in ROUNDS]
    sections = [
        _section("arms", ARMS, by_arms, f"Logs of {USUAL_ROUNDS:,} rounds."),
        _section("rounds", ROUNDS, by_rounds, f"{USUAL_ARMS} arms."),
    ]
    most = by_arms[-1]
    findings = [
        f"With {ARMS[-1]:,} arms the deviation is {most['IPS'][1]:.4f} for IPS, {most['DR'][1]:.4f} for DR and "
        f"{most['Meta-OPE'][1]:.4f} for Meta-OPE, which combines IPS, SNIPS and DR; DM is off by {most['DM'][0]:+.4f}.",
        f"New against current: deviation {most['difference, IPS'][1]:.4f} by subtraction, "
        f"{most['difference, Delta-OPE'][1]:.4f} by Delta-OPE, the default.",
    ]
    return {"findings": findings}, sections


def _section(across: str, at: tuple[int, ...], found: list[dict[str, tuple[float, float]]], about: str) -> Section:
    drawn = [
        Curves(
            label,
            across,
            [f"{one:,}" for one in at],
            [Series(name, [one[name][k] for one in found], key) for key, name in enumerate(found[0])],
        )
        for k, label in enumerate(("bias", "deviation"))
    ]
    return Section(f"By number of {across}", about, drawn)


def _softmax(logits: Doubles) -> Doubles:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
