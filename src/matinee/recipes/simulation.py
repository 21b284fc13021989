"""Simulations as recipes: billboards in worlds after a data set, and simulated members at a workspace's home page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import count

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.decision import Progress, no_progress
from matinee.events import DAY
from matinee.recipes.billboards import Maker
from matinee.recipes.serving import catalog_and_policies
from matinee.simulate.config import WorldConfig
from matinee.simulate.logged import logged_requests
from matinee.simulate.loop import simulate
from matinee.simulate.marginals import Marginal
from matinee.simulate.members import SIMULATED, people_of
from matinee.simulate.nearness import nearness
from matinee.simulate.result import SimulationResult
from matinee.simulate.world import World
from matinee.workspace import Workspace

Near = Callable[[World, tuple[Marginal, ...]], None]


def play(
    dataset: Dataset,
    makers: Mapping[str, Maker],
    members: int,
    days: int,
    seed: int = 0,
    progress: Progress = no_progress,
    near: Near = lambda world, marginals: None,
) -> SimulationResult:
    """Each of these billboards for `days` in a world after the data set; `near` hears how near the world comes."""
    progress("making a world, and seeing how near it comes", 0.0)
    world = World.from_data(dataset, members, seed=seed)
    near(world, nearness(dataset, seed=seed))
    progress("making the policies", 0.0)
    policies = {name: maker(dataset, world, seed) for name, maker in makers.items()}
    return simulate(
        lambda: deepcopy(world),
        policies,
        days,
        lambda here, visits: here.requests(visits, surface="billboard"),
        progress=progress,
    )


def visit(
    workspace: Workspace, members: int, days: int, seed: int = 0, progress: Progress = no_progress
) -> SimulationResult:
    """Simulated members at the home page of a workspace for the `days` until yesterday.

    Pages, events and the members' profiles are written into its log, so that it looks as after such days of service and
    every page can be asked again. The world is made after what its real members did; each call brings new members, and
    whoever came by an earlier one does not count.
    """
    workspace.require()
    with EventLog(workspace.log_path) as log:
        progress("loading the models and making a world", 0.0)
        catalog, policies = catalog_and_policies(workspace, log)
        wave = next(n for n in count() if log.profile(f"{SIMULATED}{n}-0") is None)
        world = _world_of(workspace, log, members, days, int(np.random.SeedSequence([seed, wave]).generate_state(1)[0]))
        world.members.people = people_of(members, f"{SIMULATED}{wave}-")
        log.add_profiles([world.members.people.profile(member) for member in range(members)])
        name, policy = policies["home"][0]
        return simulate(lambda: world, {name: policy}, days, logged_requests(log, catalog), log=log, progress=progress)


def _world_of(workspace: Workspace, log: EventLog, members: int, days: int, seed: int) -> World:
    """A world that ends with yesterday, whose members are new to the workspace."""
    today = time.time_ns() // 1_000 // DAY
    events = log.read(today * DAY).filter(~pl.col("user_id").str.starts_with(SIMULATED))
    dataset = Dataset(str(workspace.folder), "", Catalog.load(workspace.catalog_path), {}, events)
    config = WorldConfig(start=(today - days) * DAY, launching=0.0, leaving=0.0)
    world = World.from_data(dataset, members, config, seed)
    world.members.ring.forget()
    return world
