"""Titles as they truly are: appeal (gets played) apart from worth (is enjoyed), launches, ageing, seasons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from matinee.catalog import FOREVER, Catalog
from matinee.events import DAY
from matinee.maths.arrays import Doubles, Flags, Floats, Int64s
from matinee.simulate.config import WorldConfig

FACTORS = 16
TURN = 2 * np.pi


@dataclass(frozen=True)
class Titles:
    """The truth about each title of a catalogue.

    vectors   (titles, factors) float32  what it is like; times a person's taste: the part of appeal that is taste
    appeal    (titles,) float32          log-odds of a play by somebody without taste who looks at it, past its novelty
    worth     (titles,) float32          log-odds of its enjoyment by somebody without taste
    launched  (titles,) float64          day it became new, -inf for one that always was
    phases    (titles,) float32          of its season, radians
    """

    vectors: Floats
    appeal: Floats
    worth: Floats
    launched: Doubles
    phases: Floats

    def __len__(self) -> int:
        return len(self.appeal)

    @classmethod
    def drawn(cls, catalog: Catalog, config: WorldConfig, rng: np.random.Generator) -> Self:
        """Titles of lognormal popularity whose worth has nothing to do with it; their launches are the catalogue's."""
        n = len(catalog)
        popularity = rng.lognormal(0.0, 1.5, n)
        chance = config.click * popularity / popularity.max()
        return cls(
            rng.standard_normal((n, FACTORS)).astype(np.float32),
            np.log(chance / (1 - chance)).astype(np.float32),
            rng.normal(0.5, 0.8, n).astype(np.float32),
            launches(catalog, config.start),
            phases(catalog, rng),
        )

    def appeal_on(self, day: int, config: WorldConfig) -> Floats:
        """(titles,) appeal on a day, novelty and season included."""
        age = np.maximum(day - self.launched, 0.0)
        fresh = np.where(day >= self.launched, config.novelty * np.exp(-age / config.ageing), 0.0)
        season = config.season * np.cos(TURN * day / config.season_days + self.phases)
        return np.asarray(self.appeal + fresh + season, np.float32)


def launches(catalog: Catalog, start: int) -> Doubles:
    """(titles,) the day since `start` on which each title of a catalogue became new; -inf where nobody knows."""
    arrived = catalog.arrived
    days = (arrived.astype(np.float64) - start) / DAY
    return np.where(arrived > np.iinfo(np.int64).min, np.floor(days), -np.inf)


def phases(catalog: Catalog, rng: np.random.Generator) -> Floats:
    """(titles,) phases of the seasons: one for each genre, which a title has of its first; its own without a genre."""
    of_genre, own = rng.random(len(catalog.genres) + 1), rng.random(len(catalog))
    genres = catalog.title_genres
    known = np.diff(genres.offsets) > 0
    first = np.append(genres.values, 0)[genres.offsets[:-1]]
    return (TURN * np.where(known, of_genre[first], own)).astype(np.float32)


def changing(catalog: Catalog, config: WorldConfig, rng: np.random.Generator) -> Catalog:
    """The catalogue with launches and departures drawn over the horizon, each at midnight; what it says stays."""
    n = len(catalog)
    arrives = rng.random(n) < config.launching
    leaves = (rng.random(n) < config.leaving) & ~arrives
    arrival, departure = (config.start + DAY * rng.integers(1, config.horizon + 1, n) for _ in range(2))
    start, end = catalog.available
    titles = catalog.titles.with_columns(
        _moments("available_from", arrival, arrives & (start < config.start)),
        _moments("available_until", departure, leaves & (end == FOREVER)),
    )
    return replace(catalog, titles=titles)


def _moments(column: str, moments: Int64s, where: Flags) -> pl.Expr:
    drawn = pl.Series(moments).cast(pl.Datetime("us", "UTC"))
    return pl.when(pl.Series(where)).then(drawn).otherwise(pl.col(column)).alias(column)
