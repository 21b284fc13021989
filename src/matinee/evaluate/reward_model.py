"""A small reward model for doubly robust estimates: what each title earns on average, never fitted on who is judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matinee.maths.arrays import Doubles, Int32s, Int64s

FOLDS = 5  # of members
PRIOR = 10.0  # times shown that the mean of all titles counts for


@dataclass(frozen=True)
class TitleMeans:
    """Mean rewards `of_title` (folds, titles), each fold fitted on the members of all others."""

    of_title: Doubles

    @classmethod
    def fit(
        cls, items: Int32s, rewards: Doubles, members: Int64s, titles: int, stands_for: Doubles | None = None
    ) -> TitleMeans:
        """(sum + PRIOR mean) / (times + PRIOR) of each title; `items`, `rewards`, `members` and how many rounds each
        `stands_for` (rounds,), None = itself alone.
        """
        assert items.shape == rewards.shape == members.shape
        often = np.ones(len(items)) if stands_for is None else stands_for
        means = np.empty((FOLDS, titles))
        for fold in range(FOLDS):
            others = members % FOLDS != fold
            times = np.bincount(items[others], often[others], titles)
            sums = np.bincount(items[others], often[others] * rewards[others], titles)
            mean = np.average(rewards[others], weights=often[others]) if others.any() else 0.0
            means[fold] = (sums + PRIOR * mean) / (times + PRIOR)
        return cls(means)

    def of(self, members: Int64s, items: Int32s) -> Doubles:
        """(rounds,) what each title earns, fitted without its member; `members` and `items` (rounds,)."""
        earned: Doubles = self.of_title[members % FOLDS, items]
        return earned
