"""A generated pair of ratings as Coat and Yahoo! R3 are: members chose some, chance chose others, and all is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matinee.maths.arrays import Doubles, Int64s
from matinee.maths.rating_factors import Ratings


@dataclass(frozen=True, slots=True)
class SelfSelectedConfig:
    """`chosen` and `at_random` ratings of the average member. `pull`: how much likelier (in log-odds) a member rates
    what they would give a star more. `factors` of taste.
    """

    members: int = 290
    titles: int = 300
    chosen: float = 24.0
    at_random: int = 16
    pull: float = 0.8
    factors: int = 4


class SelfSelected(NamedTuple):
    """The pair, every `stars` and every `propensity` (members, titles)."""

    chosen: Ratings
    at_random: Ratings
    stars: Doubles
    propensities: Doubles


def self_selected(rng: np.random.Generator, config: SelfSelectedConfig = SelfSelectedConfig()) -> SelfSelected:
    """Stars 1 to 5 out of tastes; each cell rated on its own with a propensity that grows with its stars."""
    shape = config.members, config.titles
    tastes, kinds = (rng.normal(size=(n, config.factors)) / config.factors**0.25 for n in shape)
    quality = rng.normal(0.0, 0.5, config.titles)
    stars = np.clip(np.round(2.4 + quality + 0.8 * tastes @ kinds.T + rng.normal(0.0, 0.6, shape)), 1, 5)
    eager, known = rng.normal(0.0, 0.4, (config.members, 1)), rng.normal(0.0, 0.8, config.titles)
    odds = np.exp(config.pull * stars + eager + known)
    propensities = np.minimum(config.chosen / config.titles * odds / odds.mean(), 0.95)
    chosen = np.nonzero(rng.random(shape) < propensities)
    asked = rng.permuted(np.tile(np.arange(config.titles), (config.members, 1)), axis=1)[:, : config.at_random]
    at_random = np.repeat(np.arange(config.members), config.at_random), asked.ravel()
    return SelfSelected(_ratings(stars, *chosen), _ratings(stars, *at_random), stars, propensities)


def _ratings(stars: Doubles, members: Int64s, titles: Int64s) -> Ratings:
    return Ratings(members.astype(np.int32), titles.astype(np.int32), stars[members, titles], stars.shape)
