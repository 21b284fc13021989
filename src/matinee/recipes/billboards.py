"""Policies of the billboard by name, made of what a data set teaches, for a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.decision import Policy
from matinee.events import END_OF_TIME
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import AverageTaste, Features, Vectors
from matinee.policies.posterior import Prior
from matinee.policies.uniform import Uniform
from matinee.recipes.registry import MODELS
from matinee.recipes.ways import ways_to_choose
from matinee.simulate.world import World

Maker = Callable[[Dataset, World, int], Policy]  # the data that the world is made after, the world, a seed

PRIOR = Prior(base_rate=0.02, title_deviation=0.05)  # pessimistic: few titles are enjoyed by whoever looks
SIZE = 8  # numbers of a title beside the one that all share


def linear_arms(name: str, config: ArmsConfig) -> Maker:
    """A linear learner over the factors of the data set."""

    def make(dataset: Dataset, world: World, seed: int) -> Policy:
        data = training_data(dataset.events, dataset.catalog, END_OF_TIME)
        factors = MODELS["factors"].make().fit(data, np.random.default_rng(seed))
        assert isinstance(factors, Vectors)
        features = Features.of(AverageTaste(factors.title_vectors), len(world.catalog), SIZE)
        return LinearArms(name, "unsaved", world.catalog, features, config)

    return make


BILLBOARDS: Mapping[str, Maker] = {
    "uniform": lambda dataset, world, seed: Uniform(world.catalog),
    **{f"billboard-{name}": linear_arms(f"billboard-{name}", config) for name, config in ways_to_choose(PRIOR).items()},
}
DEFAULT = "billboard-greedy,billboard-thompson"
