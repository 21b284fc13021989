"""Charts: what is popular and trending, everywhere and by country, and how well known titles are, as of a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.decision.rows import WINDOWS
from matinee.events import DAY
from matinee.likes import counted_likes
from matinee.maths.arrays import Flags, Floats, Int32s

RISES = (7, 28)  # windows, in days, short enough to speak of a rise
BIT = 16  # parts of a bit to which surprise is known


@dataclass(frozen=True)
class Chart:
    """Titles in order, best first, with the number that orders them (weighed likes, or z-scores of a rise)."""

    items: Int32s
    values: Floats


@dataclass(frozen=True)
class Charts:
    """`popular` by country (None = everywhere), `trending`, and each genre's share of all likes.

    `window` is the position in `evidence.WINDOWS` of the shortest window with enough likes to trust; `as_of` the moment
    (microseconds) at which they were drawn. A member's likes of a title count once, by `likes.counted_likes`.
    `surprise` (titles,): -log2 of the share of members who like each title, in bits; without titles where it was drawn
    before anybody asked for it. `seldom` (titles,): those that no more members met than half of all titles, in looks,
    plays or otherwise; likewise.
    """

    popular: dict[str | None, Chart]
    trending: Chart
    genre_shares: Floats
    window: int
    as_of: int
    surprise: Floats = field(default_factory=lambda: np.empty(0, np.float32))
    seldom: Flags = field(default_factory=lambda: np.empty(0, np.bool_))

    @property
    def parts(self) -> tuple[object, ...]:
        """All of it as arrays and plain values, in an order of its own."""
        drawn = [self.popular[country] for country in sorted(self.popular, key=str)] + [self.trending]
        arrays = (array for chart in drawn for array in (chart.items, chart.values))
        known = (one for one in (self.surprise, self.seldom) if len(one))
        return (*sorted(self.popular, key=str), *arrays, self.genre_shares, self.window, self.as_of, *known)


@dataclass(frozen=True, slots=True)
class ChartsConfig:
    """`support`: likes that a window, and a country within it, must have before a chart is drawn from it."""

    support: int = 200
    length: int = 500


def charts(events: pl.DataFrame, catalog: Catalog, as_of: int, config: ChartsConfig = ChartsConfig()) -> Charts:
    """Draw the charts from what was liked before `as_of` (microseconds). `events` follows `events.SCHEMA`.

    Popular: members who liked a title in the window, each by the weight of the like. Trending: titles that gained more
    in the window than in the one before, by the z-score (now - before) / sqrt(now + before) of two Poisson counts;
    empty unless the window is a week or a month and the one before has enough likes too.
    """
    age = (as_of - pl.col("timestamp").dt.epoch("us")).alias("age")
    named = events.with_columns(pl.Series("item", catalog.spoken_for(events["item_id"])), age)
    known = named.filter((pl.col("age") > 0) & (pl.col("item") >= 0))
    likes = counted_likes(known, as_of)
    window = _trusted_window(likes, config.support)
    days = WINDOWS[window][0]
    recent = likes if days == 0 else likes.filter(pl.col("age") <= days * DAY)
    popular: dict[str | None, Chart] = {None: _most_liked(recent, config.length)}
    for (country,), part in recent.drop_nulls("country").partition_by("country", as_dict=True).items():
        if _count(part) >= config.support and _is_code(str(country)):
            popular[str(country)] = _most_liked(part, config.length)
    before = likes.filter(pl.col("age").is_between(days * DAY, 2 * days * DAY, closed="right"))
    comparable = days in RISES and _count(before) >= config.support
    rising = _rising(recent, before, config.length) if comparable else _chart(recent.clear(), "age")
    shares, surprise = _genre_shares(likes, catalog), _surprise(likes, len(catalog))
    return Charts(popular, rising, shares, window, as_of, surprise, _seldom(known, len(catalog)))


def _count(likes: pl.DataFrame) -> float:
    """Likes, each by its weight."""
    return float(likes["weight"].sum())


def _trusted_window(likes: pl.DataFrame, support: int) -> int:
    for at, (days, _) in enumerate(WINDOWS[:-1]):
        if _count(likes.filter(pl.col("age") <= days * DAY)) >= support:
            return at
    return len(WINDOWS) - 1


def _gains(likes: pl.DataFrame, name: str) -> pl.DataFrame:
    """How much each title was liked: columns `item` and `name`."""
    return likes.group_by("item").agg(pl.col("weight").sum().cast(pl.Float32).alias(name))


def _most_liked(likes: pl.DataFrame, length: int) -> Chart:
    return _chart(_gains(likes, "likes").sort("likes", "item", descending=[True, False]).head(length), "likes")


def _rising(recent: pl.DataFrame, before: pl.DataFrame, length: int) -> Chart:
    now, then = pl.col("now"), pl.col("then").fill_null(0.0)
    counts = (
        _gains(recent, "now")
        .join(_gains(before, "then"), on="item", how="left")
        .with_columns(((now - then) / (now + then).sqrt()).alias("z"))
        .filter(pl.col("z") > 0)
        .sort("z", "item", descending=[True, False])
        .head(length)
    )
    return _chart(counts, "z")


def _chart(ordered: pl.DataFrame, values: str) -> Chart:
    return Chart(ordered["item"].to_numpy().astype(np.int32), ordered[values].to_numpy().astype(np.float32))


def _genre_shares(likes: pl.DataFrame, catalog: Catalog) -> Floats:
    """Each genre's share of all likes; a title's like is shared equally by its genres, add-one smoothed."""
    counts = np.bincount(likes["item"], likes["weight"], minlength=len(catalog))
    genres = catalog.title_genres
    sizes = np.maximum(np.diff(genres.offsets), 1)
    per_entry = np.repeat(counts / sizes, np.diff(genres.offsets))
    mass = np.bincount(genres.values, weights=per_entry, minlength=len(catalog.genres)) + 1.0
    return np.asarray(mass / mass.sum(), np.float32)


def _surprise(likes: pl.DataFrame, titles: int) -> Floats:
    """-log2 of (likes of each title + 1) / (members + 1), in sixteenths of a bit."""
    counts = np.bincount(likes["item"], likes["weight"], minlength=titles)
    share = (counts + 1.0) / (likes["user_id"].n_unique() + 1.0)
    return np.asarray(np.rint(-np.log2(share) * BIT) / BIT, np.float32)


def _seldom(known: pl.DataFrame, titles: int) -> Flags:
    """Titles that no more members met than half of all titles."""
    met = known.select("user_id", "item").unique()
    counts = np.bincount(met["item"], minlength=titles)
    return counts <= np.median(counts) if titles else np.empty(0, np.bool_)


def _is_code(country: str) -> bool:
    return len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()
