"""A world of a few genres in which a loop can swing."""

from __future__ import annotations

from dataclasses import replace

from matinee.simulate.config import WorldConfig
from matinee.simulate.world import World
from matinee.testing import make_catalog

GENRES = ("Comedy", "Crime", "Drama", "Family", "Horror", "War")
STEADY = replace(WorldConfig(), visits=0.6, cancelling=0.0, elasticity=0.0, launching=0.0, leaving=0.0)


def swinging_world(members: int = 300) -> World:
    """Sixty titles, ten of each genre."""
    genres = [[GENRES[at % len(GENRES)]] for at in range(60)]
    return World.drawn(members, make_catalog(60, genres=genres), STEADY, seed=0)
