"""What came of a model that was fitted anew every few days on its own log: variety and reward, training by training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from matinee.evaluate.measure import Metric
from matinee.evaluate.results import Estimate
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import student

MEASURES = (
    Metric("overlap", "Homogenization", "", "share of a member's titles that another, drawn at random, saw too"),
    Metric("gini", "Gini", "", "inequality of exposure over titles, 0 = equal, 1 = one title has it all"),
    Metric("coverage", "Coverage", "", "share of the catalogue that is shown between two trainings"),
    Metric("swing", "Swing", "lower", "share of what is shown that moves to other genres from training to training"),
    Metric("reward", "Reward", "higher", "reward a decision"),
)


@dataclass(frozen=True)
class Retrained:
    """`arms`: arm -> measure of `MEASURES` -> (seeds, stretches), a stretch being the `every` days between trainings.

    The first stretch is chance's. `model` says what was trained, `members` how many there are in each world.
    """

    model: str
    every: int
    members: int
    arms: Mapping[str, Mapping[str, Doubles]]

    @property
    def seeds(self) -> int:
        """How many worlds there were."""
        return len(next(iter(self.arms.values()))["reward"])

    def late(self, arm: str, measure: str) -> Estimate:
        """The mean over the later half of the trainings, with its 95 % t interval over seeds."""
        return Estimate(*map(float, student(self._late(arm, measure))))

    def change(self, arm: str, measure: str) -> Estimate:
        """By how much that is more than in the first arm, world by world."""
        more = self._late(arm, measure) - self._late(next(iter(self.arms)), measure)
        return Estimate(*map(float, student(more)))

    def _late(self, arm: str, measure: str) -> Doubles:
        trainings = self.arms[arm][measure][:, 1:]
        return np.asarray(trainings[:, trainings.shape[1] // 2 :].mean(axis=1))
