"""Charts: what is popular and what is trending, everywhere and by country, as of a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.events import liked
from matinee.evidence import WINDOWS
from matinee.maths.arrays import Floats, Int32s

DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Chart:
    """Titles in order, best first, with the number that orders them (plays, or z-scores of a rise)."""

    items: Int32s
    values: Floats


@dataclass(frozen=True)
class Charts:
    """`popular` by country (None = everywhere), `trending`, and each genre's share of all likes.

    `window` is the position in `evidence.WINDOWS` of the shortest window with enough likes to trust.
    """

    popular: dict[str | None, Chart]
    trending: Chart
    genre_shares: Floats
    window: int


@dataclass(frozen=True, slots=True)
class ChartsConfig:
    """`support`: likes that a window, and a country within it, must have before a chart is drawn from it."""

    support: int = 200
    length: int = 500


def charts(events: pl.DataFrame, catalog: Catalog, as_of: int, config: ChartsConfig = ChartsConfig()) -> Charts:
    """Draw the charts from what was liked before `as_of` (microseconds). `events` follows `events.SCHEMA`.

    Popular: likes in the window. Trending: titles liked more in the window than in the one before it, by the
    z-score (now - before) / sqrt(now + before) of two Poisson counts; empty when the window is all time.
    """
    time = pl.col("timestamp").dt.epoch("us")
    likes = (
        events.with_columns(pl.Series("item", catalog.indexes_of(events["item_id"])), (as_of - time).alias("age"))
        .filter(liked() & (pl.col("age") > 0) & (pl.col("item") >= 0))
        .select("item", "age", "country")
    )
    window = _trusted_window(likes, config.support)
    recent = likes if WINDOWS[window][0] == 0 else likes.filter(pl.col("age") <= WINDOWS[window][0] * DAY)
    popular: dict[str | None, Chart] = {None: _most_liked(recent, config.length)}
    for (country,), part in recent.drop_nulls("country").partition_by("country", as_dict=True).items():
        if part.height >= config.support and _is_code(str(country)):
            popular[str(country)] = _most_liked(part, config.length)
    return Charts(popular, _rising(likes, WINDOWS[window][0], config.length), _genre_shares(likes, catalog), window)


def _trusted_window(likes: pl.DataFrame, support: int) -> int:
    for at, (days, _) in enumerate(WINDOWS[:-1]):
        if likes.filter(pl.col("age") <= days * DAY).height >= support:
            return at
    return len(WINDOWS) - 1


def _most_liked(likes: pl.DataFrame, length: int) -> Chart:
    counts = likes.group_by("item").len().sort("len", "item", descending=[True, False]).head(length)
    return Chart(counts["item"].to_numpy().astype(np.int32), counts["len"].to_numpy().astype(np.float32))


def _rising(likes: pl.DataFrame, days: int, length: int) -> Chart:
    now = pl.col("age") <= days * DAY
    counts = (
        likes.filter(pl.col("age") <= 2 * days * DAY)
        .group_by("item")
        .agg(now.sum().alias("now"), (~now).sum().alias("before"))
        .cast({"now": pl.Float32, "before": pl.Float32})
        .with_columns(((pl.col("now") - pl.col("before")) / (pl.col("now") + pl.col("before")).sqrt()).alias("z"))
        .filter(pl.col("z") > 0)
        .sort("z", "item", descending=[True, False])
        .head(length)
    )
    return Chart(counts["item"].to_numpy().astype(np.int32), counts["z"].to_numpy().astype(np.float32))


def _genre_shares(likes: pl.DataFrame, catalog: Catalog) -> Floats:
    """Each genre's share of all likes; a title's like is shared equally by its genres, add-one smoothed."""
    counts = np.bincount(likes["item"].to_numpy(), minlength=len(catalog)).astype(np.float64)
    genres = catalog.title_genres
    sizes = np.maximum(np.diff(genres.offsets), 1)
    per_entry = np.repeat(counts / sizes, np.diff(genres.offsets))
    mass = np.bincount(genres.values, weights=per_entry, minlength=len(catalog.genres)) + 1.0
    return np.asarray(mass / mass.sum(), np.float32)


def _is_code(country: str) -> bool:
    return len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()
