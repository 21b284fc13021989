"""Policies of the billboard by name, made of what a data set teaches, for a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from matinee.data.dataset import Dataset
from matinee.data.histories import training_data
from matinee.decision import Policy
from matinee.events import END_OF_TIME
from matinee.maths.arrays import Floats
from matinee.policies.arms import ArmsConfig, LinearArms
from matinee.policies.features import AverageTaste, Features, Vectors
from matinee.policies.posterior import Prior
from matinee.policies.uniform import Uniform
from matinee.recipes.newcomers import predicted_vectors
from matinee.recipes.registry import MODELS
from matinee.recipes.ways import ways_to_choose
from matinee.simulate.world import World

Maker = Callable[[Dataset, World, int], Policy]  # the data that the world is made after, the world, a seed
Reads = Callable[[Dataset, World, int], Features]

PRIOR = Prior(base_rate=0.02, title_deviation=0.05)  # pessimistic: few titles are enjoyed by whoever looks
SIZE = 8  # numbers of a title beside the one that all share


def linear_arms(name: str, config: ArmsConfig, features: Reads | None = None) -> Maker:
    """A linear learner that reads titles and members by `features`, at first by the factors of the data set."""

    def make(dataset: Dataset, world: World, seed: int) -> Policy:
        read = (factors_of if features is None else features)(dataset, world, seed)
        return LinearArms(name, "unsaved", world.catalog, read, config)

    return make


def factors_of(dataset: Dataset, world: World, seed: int) -> Features:
    """The factors of a data set; those of titles that nobody in it likes are predicted from content."""
    vectors = _fitted(dataset, seed)
    return Features.of(AverageTaste(vectors), len(world.catalog), SIZE, predicted_vectors(vectors, world.catalog))


def before_launch(dataset: Dataset, world: World) -> Dataset:
    """The data set without what it knows of titles that the world has yet to launch."""
    launched = np.flatnonzero(world.titles.launched > 0)
    ids = [world.catalog.item_ids[item] for item in launched.tolist()]
    return replace(dataset, events=dataset.events.filter(~pl.col("item_id").is_in(ids)))


def _fitted(dataset: Dataset, seed: int) -> Floats:
    data = training_data(dataset.events, dataset.catalog, END_OF_TIME)
    factors = MODELS["factors"].make().fit(data, np.random.default_rng(seed))
    assert isinstance(factors, Vectors)
    return factors.title_vectors


BILLBOARDS: Mapping[str, Maker] = {
    "uniform": lambda dataset, world, seed: Uniform(world.catalog),
    **{f"billboard-{name}": linear_arms(f"billboard-{name}", config) for name, config in ways_to_choose(PRIOR).items()},
}
DEFAULT = "billboard-greedy,billboard-thompson"
