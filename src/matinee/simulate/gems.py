"""Hidden gems: titles that nobody has watched yet and that a group of members would love. Only the world knows them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
from scipy.special import expit

from matinee.maths.arrays import Doubles, Int32s
from matinee.simulate.world import World

PULL = 1.0  # log-odds by which a gem appeals more than the most appealing title


def with_gems(world: World, items: Int32s, rng: np.random.Generator) -> World:
    """A copy of the world in which each of `items` is what one of its members would have wished for: `PULL` above the
    most appealing title, as worth while as the best twentieth, and along that member's taste.
    """
    tastes = world.members.tastes
    return _raised(world, items, tastes[rng.choice(len(tastes), len(items), replace=False)].astype(np.float64))


def with_new_gems(world: World, items: Int32s) -> World:
    """The same of titles that stay what they are like, so that their content tells as much of them as of any other."""
    return _raised(world, items, world.titles.vectors[items].astype(np.float64))


def _raised(world: World, items: Int32s, along: Doubles) -> World:
    titles = world.titles
    vectors, appeal, worth = titles.vectors.copy(), titles.appeal.copy(), titles.worth.copy()
    length = np.quantile(np.linalg.norm(vectors.astype(np.float64), axis=1), 0.9)
    vectors[items] = length * along / np.linalg.norm(along, axis=1, keepdims=True)
    appeal[items] = titles.appeal.max() + PULL
    worth[items] = np.quantile(titles.worth, 0.95)
    gems = replace(titles, vectors=vectors, appeal=appeal, worth=worth)
    return replace(deepcopy(world), titles=gems)


def lovers(world: World, items: Int32s, at_least: float = 0.5) -> Doubles:
    """(items,) the share of people who would play each, looking at it, with a chance of `at_least`."""
    affinity = world.config.taste * world.members.tastes.astype(np.float64) @ world.titles.vectors[items].T
    chance = expit(world.titles.appeal[items] + affinity)
    return np.asarray((chance >= at_least).mean(axis=0))
