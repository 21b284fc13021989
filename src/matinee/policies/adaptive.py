"""DATS as a rule on arrays: what is known of arms, the probabilities to choose by, and what a reward adds.

After Dimakopoulou, Ren and Zhou 2021 ("Online multi-armed bandits with adaptive inference"), whose code is not public:
a reconstruction, with the probabilities of being the best by quadrature in place of draws. Arrays are (..., arms), so
that a thousand replicates of an experiment take one step at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from matinee.errors import BadRequest
from matinee.maths.adaptive_means import ScoreSums, floored
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.maths.best_of_normals import probabilities_of_best
from matinee.policies import stored

DECAY = 0.7  # of the floor: t^-DECAY / arms leaves every arm enough decisions for its interval
CHECKS = 2  # in a row that find an arm hopeless before it is dropped


class Known(NamedTuple):
    """What is known of arms, each (..., arms): rewards counted and summed, the sums of their scores, and how many
    checks in a row found the arm hopeless; after `version` batches of rewards.
    """

    counts: Doubles
    rewards: Doubles
    sums: ScoreSums
    doubts: Int64s
    version: int = 0

    @classmethod
    def nothing(cls, *shape: int) -> Self:
        """Before the first reward."""
        return cls(np.zeros(shape), np.zeros(shape), ScoreSums.nothing(shape), np.zeros(shape, np.int64))

    @property
    def arrays(self) -> dict[str, Doubles]:
        """The numbers by name, but for the doubts."""
        return {"counts": self.counts, "rewards": self.rewards, **self.sums._asdict()}

    def grown(self, arms: int) -> Self:
        """The same with arms appended, of which nothing is known yet."""
        nothing = self.nothing(*self.counts.shape[:-1], max(arms - self.counts.shape[-1], 0))
        counts, rewards = (np.concatenate(one, axis=-1) for one in zip(self[:2], nothing[:2], strict=True))
        sums = ScoreSums(*(np.concatenate(one, axis=-1) for one in zip(self.sums, nothing.sums, strict=True)))
        doubts = np.concatenate([self.doubts, nothing.doubts], axis=-1)
        return self._replace(counts=counts, rewards=rewards, sums=sums, doubts=doubts)

    def same(self, other: Known) -> bool:
        """Whether both say the same to the bit."""
        numbers = all(np.array_equal(one, other.arrays[name]) for name, one in self.arrays.items())
        return numbers and np.array_equal(self.doubts, other.doubts) and self.version == other.version

    def save(self, folder: Path, config: DatsConfig) -> None:
        """Write it and the config that it was learned with into an existing folder."""
        about = {"version": self.version, "config": stored.plain(config)}
        stored.write(folder, {**self.arrays, "doubts": self.doubts}, about)

    @classmethod
    def load(cls, folder: Path, config: DatsConfig) -> Self:
        """What `save` wrote. Raises `ArtifactRefused` where it is damaged or was learned with another config."""
        with stored.refusing(folder):
            about, doubts = stored.read_about(folder), stored.read_array(folder, "doubts", np.int64)
            arrays = {name: stored.read_array(folder, name) for name in cls.nothing(0).arrays}
            for name, array in arrays.items():
                stored.require_shape(name, array, doubts.shape)
            stored.require_learned_with(folder, about["config"], stored.plain(config))
            counts, rewards, *sums = arrays.values()
            return cls(counts, rewards, ScoreSums(*sums), doubts, int(about["version"]))


@dataclass(frozen=True, slots=True)
class DatsConfig:
    """`even`: the weights h = 1, means without bias and of large variance; else h = √π, see `maths/adaptive_means.py`.

    `base_rate`: the guess for an arm without rewards, and one reward's worth of that for all others. `noise`: the
    deviation of a reward; a few equal rewards make no arm surer than as many with this noise would. `least`: an arm
    with fewer rewards is tried in 1 / arms of decisions. `horizon`: None = the floor for inference, t^-0.7 / arms;
    else the number T of decisions to come, with the floor 1 / T. `drops`: an arm whose probability of being the best
    was below 1 / T twice in a row is shown no more, and nothing can be told of it from the log since.
    """

    even: bool = False
    base_rate: float = 0.1
    noise: float = 0.3
    least: int = 5
    horizon: int | None = None
    drops: bool = False

    def __post_init__(self) -> None:
        if not self.noise >= 0 or self.least < 1:
            raise BadRequest(f"noise {self.noise}, least {self.least}; give a noise of 0 or more and at least 1 reward")
        if self.horizon is not None and self.horizon < 1:
            raise BadRequest(f"the horizon is {self.horizon}; give the number of decisions to come, or None")
        if self.drops and self.horizon is None:
            raise BadRequest("arms are dropped below 1 / horizon; give a horizon, or drop none")

    def guesses(self, known: Known) -> Doubles:
        """(..., arms) the sample means, with one reward of the base rate."""
        return np.asarray((self.base_rate + known.rewards) / (1.0 + known.counts))

    def means(self, known: Known) -> Doubles:
        """(..., arms) the estimated means; the base rate where nothing is known."""
        return np.asarray(np.where(known.counts > 0, known.sums.estimates()[0], self.base_rate))

    def best(self, known: Known, allowed: Flags) -> Doubles:
        """(..., arms) P(each of the allowed arms is the best); arms with few rewards have 1 / allowed arms each."""
        allowed = _living(known, allowed)
        tried = allowed & (known.counts >= self.least)
        means, deviations = known.sums.estimates()
        surest = np.maximum(deviations, np.maximum(self.noise, 1e-9) / np.sqrt(np.maximum(known.counts, 1.0)))
        of_tried = probabilities_of_best(np.where(tried, means, 0.0), np.where(tried, surest, 1.0), tried)
        fresh = (allowed & ~tried) / np.maximum(allowed.sum(axis=-1, keepdims=True), 1)
        return np.asarray(fresh + (1.0 - fresh.sum(axis=-1, keepdims=True)) * of_tried)

    def probabilities(self, known: Known, allowed: Flags) -> Doubles:
        """(..., arms) with which the next decision chooses each; a floor for all that are allowed and not dropped."""
        allowed = _living(known, allowed)
        decisions = 1.0 + known.counts.sum(axis=-1)
        arms = np.maximum(allowed.sum(axis=-1), 1)
        least = decisions**-DECAY / arms if self.horizon is None else 1.0 / self.horizon
        return floored(self.best(known, allowed), np.broadcast_to(least, arms.shape), allowed)

    def after(
        self, known: Known, then: Known, probs: Doubles, counts: Doubles, rewards: Doubles, squares: Doubles
    ) -> Known:
        """With decisions made when `then` was known, with `probs` (..., arms): how often each arm was chosen, and the
        sums of its rewards and of their squares, each (..., arms). In any order of calls, up to rounding.
        """
        guesses, inverse = self.guesses(then), 1.0 / np.where(probs > 0, probs, np.inf)
        errors = (rewards - counts * guesses) * inverse
        squared = (squares - 2.0 * guesses * rewards + counts * guesses**2) * inverse**2
        weights = (probs > 0).astype(np.float64) if self.even else np.sqrt(probs)
        sums = known.sums.after(weights, guesses, counts.sum(axis=-1, keepdims=True), errors, squared)
        return known._replace(counts=known.counts + counts, rewards=known.rewards + rewards, sums=sums)

    def checked(self, known: Known, allowed: Flags) -> Known:
        """With the arms that this check found hopeless; the same where none are dropped."""
        if not self.drops:
            return known
        hopeless = (self.best(known, allowed) < 1.0 / (self.horizon or 1)) & (known.counts >= self.least)
        doubts = np.where(known.doubts >= CHECKS, CHECKS, np.where(hopeless, known.doubts + 1, 0))
        return known._replace(doubts=doubts)


def _living(known: Known, allowed: Flags) -> Flags:
    """The allowed arms that were not dropped; all where every one was."""
    living = allowed & (known.doubts < CHECKS)
    return np.asarray(np.where(living.any(axis=-1, keepdims=True), living, allowed))
