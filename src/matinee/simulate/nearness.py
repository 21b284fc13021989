"""How near a world comes to the data that it is made after: busy days of random billboards, against the data."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from matinee.data.dataset import Dataset
from matinee.policies.uniform import Uniform
from matinee.simulate.config import WorldConfig
from matinee.simulate.loop import live_day
from matinee.simulate.marginals import Marginal, marginals
from matinee.simulate.world import World

VISITS = 5.0  # a member and day, so that a week tells as much as three months
DAYS = 7


def nearness(dataset: Dataset, config: WorldConfig = WorldConfig(), seed: int = 0) -> tuple[Marginal, ...]:
    """The marginals of a data set against those of a week in a world with as many members, who visit more often."""
    world = World.from_data(dataset, None, replace(config, visits=VISITS), seed)
    return marginals(dataset.events, events_of(world, DAYS), world.catalog)


def events_of(world: World, days: int) -> pl.DataFrame:
    """What members do on so many days of random billboards, as `events.SCHEMA`."""
    policy, parts = Uniform(world.catalog), []
    for day in range(days):
        for lived in live_day(world, policy, day):
            parts += [lived.answers.events(world.catalog), lived.found.events(world.catalog, world.members.people)]
    return pl.concat(parts)
