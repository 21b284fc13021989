"""A few arms of known means, many replicates at once: what rules of choice earn, and what they learn of the means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from matinee.decision import Progress, no_progress
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.policies.adaptive import DatsConfig, Known
from matinee.policies.independent import IndependentConfig, Told

K = TypeVar("K")


@dataclass(frozen=True, eq=False)
class ArmDomain:
    """Rewards are an arm's mean and noise: normal of deviation `noise`, or, if `even`, uniform within ±`noise`.

    `means` (arms,), or (phases, arms) that follow each other in equal parts of the horizon.
    """

    means: Doubles
    noise: float = 1.0
    even: bool = False

    def now(self, share: float) -> Doubles:
        """(arms,) the means once this share of the horizon, below 1, is over."""
        phases = np.atleast_2d(self.means)
        return np.asarray(phases[int(share * len(phases))])

    def rewards(self, chosen: Int64s, share: float, rng: np.random.Generator) -> Doubles:
        """A reward for each arm chosen then."""
        noise = rng.uniform(-1, 1, chosen.shape) if self.even else rng.standard_normal(chosen.shape)
        return np.asarray(self.now(share)[chosen] + self.noise * noise)


class Batch(NamedTuple):
    """What came of a batch that shared probabilities, each (replicates, arms): the probabilities, how often each arm
    was chosen, its rewards and their squares, summed.
    """

    probs: Doubles
    counts: Doubles
    rewards: Doubles
    squares: Doubles


class Rule(Protocol[K]):
    """How to choose from what is known, and what a batch adds to it; what is known has arrays (replicates, arms)."""

    def nothing(self, shape: tuple[int, int]) -> K:
        """Before the first reward."""
        ...

    def probabilities(self, known: K, allowed: Flags) -> Doubles:
        """(replicates, arms) with which each arm is chosen next."""
        ...

    def after(self, known: K, batch: Batch) -> K:
        """With a batch."""
        ...


@dataclass(frozen=True)
class OfMeans:
    """A rule of independent arms; a reward counts `fades` times less with each batch after it, or is forgotten after
    `window` batches.
    """

    config: IndependentConfig
    fades: float = 1.0
    window: int | None = None

    def nothing(self, shape: tuple[int, int]) -> tuple[Told, tuple[Batch, ...]]:
        """Before the first reward."""
        return Told(np.zeros(shape), np.zeros(shape)), ()

    def probabilities(self, known: tuple[Told, tuple[Batch, ...]], allowed: Flags) -> Doubles:
        """(replicates, arms)."""
        return self.config.probabilities(known[0], allowed)

    def after(self, known: tuple[Told, tuple[Batch, ...]], batch: Batch) -> tuple[Told, tuple[Batch, ...]]:
        """With a batch, and without what is forgotten."""
        told, recent = known
        counts, sums = self.fades * told.counts + batch.counts, self.fades * told.sums + batch.rewards
        if self.window is None:
            return Told(counts, sums), ()
        recent = (*recent, batch)
        if len(recent) > self.window:
            counts, sums = counts - recent[0].counts, sums - recent[0].rewards
        return Told(np.maximum(counts, 0.0), sums), recent[-self.window :]


@dataclass(frozen=True)
class OfScores:
    """DATS."""

    config: DatsConfig

    def nothing(self, shape: tuple[int, int]) -> Known:
        """Before the first reward."""
        return Known.nothing(*shape)

    def probabilities(self, known: Known, allowed: Flags) -> Doubles:
        """(replicates, arms)."""
        return self.config.probabilities(known, allowed)

    def after(self, known: Known, batch: Batch) -> Known:
        """With a batch, and the check that may drop arms."""
        return self.config.checked(self.config.after(known, known, *batch), np.ones(batch.probs.shape, np.bool_))


@dataclass(frozen=True)
class Course(Generic[K]):
    """`regret` (replicates, steps of `times`) summed until then; what is `known` at the end; `counts` and `sums`
    (replicates, arms) of all rewards.
    """

    times: Int64s
    regret: Doubles
    known: K
    counts: Doubles
    sums: Doubles


def course(
    domain: ArmDomain,
    rule: Rule[K],
    horizon: int,
    replicates: int,
    rng: np.random.Generator,
    each: int = 1,
    progress: Progress = no_progress,
) -> Course[K]:
    """`horizon` decisions of `replicates` learners, in batches of `each` that share what was known before them."""
    arms = np.atleast_2d(domain.means).shape[1]
    shape, allowed = (replicates, arms), np.ones((replicates, arms), np.bool_)
    known, total, counts, sums = rule.nothing(shape), np.zeros(replicates), np.zeros(shape), np.zeros(shape)
    times = np.arange(each, horizon + 1, each)
    regret = np.empty((replicates, len(times)))
    for step in range(len(times)):
        batch, lost = _batch(domain, rule.probabilities(known, allowed), each, step / len(times), rng)
        known = rule.after(known, batch)
        counts, sums, total = counts + batch.counts, sums + batch.rewards, total + lost
        regret[:, step] = total
        if step % 256 == 0:
            progress("learning", step / len(times))
    return Course(times, regret, known, counts, sums)


def _batch(
    domain: ArmDomain, probs: Doubles, each: int, share: float, rng: np.random.Generator
) -> tuple[Batch, Doubles]:
    """A batch, and the regret (replicates,) of it."""
    replicates, arms = probs.shape
    levels = rng.random((replicates, each, 1))
    chosen = np.minimum((probs.cumsum(axis=1)[:, None, :] <= levels).sum(axis=2), arms - 1)
    rewards = domain.rewards(chosen, share, rng)
    cells = (np.arange(replicates)[:, None] * arms + chosen).ravel()
    sums = [np.bincount(cells, one.ravel(), probs.size).astype(np.float64) for one in (rewards**0, rewards, rewards**2)]
    means = domain.now(share)
    return Batch(probs, *(one.reshape(probs.shape) for one in sums)), (means.max() - means[chosen]).sum(axis=1)
