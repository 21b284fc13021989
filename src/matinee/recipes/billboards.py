"""Policies of the billboard by name, made of what a data set teaches, for a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matinee.data.dataset import Dataset
from matinee.decision import Policy
from matinee.policies.uniform import Uniform
from matinee.simulate.world import World

Maker = Callable[[Dataset, World, int], Policy]  # the data that the world is made after, the world, a seed

BILLBOARDS: Mapping[str, Maker] = {"uniform": lambda dataset, world, seed: Uniform(world.catalog)}
DEFAULT = "uniform"
