"""A made-up service of films and shows, in the shape of a large streaming catalogue: titles, episodes, kids, a log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.errors import BadRequest
from matinee.events import FINISHED, clean
from matinee.maths.arrays import Doubles, Flags, Int64s
from matinee.profile import Profile
from matinee.series import Series

FOR_ALL = ("Animation", "Family", "Adventure")
FOR_ADULTS = ("Drama", "Comedy", "Thriller", "Romance", "Documentary", "Crime", "Science Fiction", "Horror")
NAMES = ("Harbour", "Winter", "Glass", "Orchard", "Signal", "Lantern", "Meridian", "Thunder", "Paper", "Ember")
THINGS = ("House", "Line", "Kingdom", "Letters", "Road", "Station", "Garden", "Protocol", "Island", "Hours")
START = 1_704_067_200  # seconds: Monday, 1 January 2024
HOUR = 3_600


@dataclass(frozen=True, slots=True)
class ShowLogConfig:
    """The service, and how its members watch.

    `goes_on`: the chance to go on with a series that was begun, `another` with one more episode, `leaves` to give a
    series up, `stops` in the middle of a play, `skips` an episode, `rewatches` one. `late_short` and `weekend_film`:
    times as likely a short title late at night is, and a film on a television at the weekend.
    """

    members: int = 300
    films: int = 250
    series: int = 80
    days: int = 90
    kids: float = 0.15
    visits: float = 0.6
    goes_on: float = 0.6
    another: float = 0.45
    leaves: float = 0.08
    stops: float = 0.15
    skips: float = 0.04
    rewatches: float = 0.03
    late_short: float = 3.0
    weekend_film: float = 3.0

    def __post_init__(self) -> None:
        for name in ("members", "films", "series", "days"):
            if getattr(self, name) < 1:
                raise BadRequest(f"{name} of a show log is {getattr(self, name)}; give at least 1")


class _Visit(NamedTuple):
    """When (seconds since `START`) and on what somebody comes."""

    second: int
    device: str

    @property
    def late(self) -> bool:
        return self.second // HOUR % 24 >= 22

    @property
    def weekend_tv(self) -> bool:
        return self.device == "tv" and self.second // (24 * HOUR) % 7 >= 5


class _Shelf(NamedTuple):
    """The catalogue as plain lists: minutes and whether each title is a film, and the guide to its episodes."""

    catalog: Catalog
    minutes: Int64s
    film: Flags
    offsets: list[int]
    order: list[int]
    added: list[int]
    episode_ids: list[str]

    @classmethod
    def of(cls, catalog: Catalog) -> _Shelf:
        guide, ids = catalog.guide, catalog.series.frame["item_id"].to_list()
        lists = guide.offsets.tolist(), guide.order.tolist(), guide.added.tolist()
        return cls(catalog, catalog.titles["minutes"].to_numpy().astype(np.int64), guide.n_episodes == 0, *lists, ids)


@dataclass
class _Watching:
    """What somebody may choose, and of each series that they began the place of the next episode."""

    taste: Doubles
    places: dict[int, int] = field(default_factory=dict)


def show_log(rng: np.random.Generator, config: ShowLogConfig = ShowLogConfig()) -> Dataset:
    """Films and shows, members and kids, and what they played. The same `rng`, the same bytes.

    Seasons are 6 or 10 episodes; every third series gets its last season in the middle of the log.
    """
    catalog = _catalog(rng, config)
    profiles = [_profile(member, rng.random() < config.kids) for member in range(config.members)]
    shelf = _Shelf.of(catalog)
    plays = [(one.user_id, *play) for one in profiles for play in _plays(shelf, one, rng, config)]
    columns = ["user_id", "item_id", "timestamp", "value", "device"]
    frame = pl.DataFrame(plays, columns, orient="row").with_columns(pl.lit("play").alias("kind"))
    events, rejections = clean(frame.with_row_index("event_id").sort("timestamp", maintain_order=True))
    known = {one.user_id: one for one in profiles}
    return Dataset("Films and shows", "made up", catalog, known, events, rejections)


def _profile(member: int, kids: bool) -> Profile:
    name = f"m{member}"
    return Profile(name, name, f"{'Kid' if kids else 'Member'} {member}", maturity_limit=7 if kids else None, kids=kids)


def _catalog(rng: np.random.Generator, config: ShowLogConfig) -> Catalog:
    titles, episodes = [], []
    for k in range(config.films + config.series):
        film, young = k < config.films, bool(rng.random() < 0.25)
        genres = FOR_ALL if young else FOR_ADULTS
        minutes = int(rng.integers(80, 150)) if film else int(rng.choice([25, 45, 60]))
        item_id, name = f"{'film' if film else 'show'}-{k}", f"{NAMES[k % 10]} {THINGS[k // 10 % 10]} {1 + k // 100}"
        pair = sorted(rng.choice(genres, 2, replace=False).tolist())
        titles.append((item_id, name, "film" if film else "series", pair, 0 if young else 12, minutes))
        episodes += [] if film else list(_episodes(item_id, minutes, late=k % 3 == 0, rng=rng, config=config))
    columns = ["item_id", "title", "kind", "genres", "maturity", "minutes"]
    told = pl.DataFrame(
        episodes, ["item_id", "series_id", "season", "episode", "name", "minutes", "added"], orient="row"
    )
    dated = told.with_columns((pl.col("added") * 1_000_000).cast(pl.Datetime("us", "UTC")))
    return Catalog.from_frame(pl.DataFrame(titles, columns, orient="row")).with_series(Series.from_frame(dated))


def _episodes(
    series_id: str, minutes: int, late: bool, rng: np.random.Generator, config: ShowLogConfig
) -> Iterator[tuple[object, ...]]:
    seasons, length = int(rng.integers(1, 5)), int(rng.choice([6, 10]))
    for season in range(1, seasons + 1):
        waits = late and season == seasons > 1
        added = START + (config.days // 2) * 24 * HOUR if waits else START - 365 * 24 * HOUR
        for number in range(1, length + 1):
            yield f"{series_id}-{season}-{number}", series_id, season, number, f"Chapter {number}", minutes, added


def _plays(
    shelf: _Shelf, profile: Profile, rng: np.random.Generator, config: ShowLogConfig
) -> Iterator[tuple[str, int, float, str]]:
    """One member's plays, oldest first: item_id, seconds since 1970, share watched, device."""
    watching = _Watching(_taste(shelf.catalog, profile, rng))
    for day in range(config.days):
        if rng.random() >= config.visits:
            continue
        visit = _visit(day, rng)
        begun = [one for one in watching.places if _next(shelf, watching, one, visit) >= 0]
        goes_on = begun and rng.random() < config.goes_on
        title = int(rng.choice(begun)) if goes_on else _chosen(shelf, watching, visit, rng, config)
        if title < 0:
            continue
        if not shelf.film[title]:
            yield from _binge(shelf, watching, title, visit, rng, config)
        else:
            watching.taste[title] = 0.0  # a film is seen once
            yield shelf.catalog.item_ids[title], START + visit.second, _share(rng, config), visit.device


def _taste(catalog: Catalog, profile: Profile, rng: np.random.Generator) -> Doubles:
    """(titles,) how likely each is chosen: popular ones, of two genres above all."""
    own = rng.choice(FOR_ALL if profile.kids else (*FOR_ADULTS, *FOR_ALL), 2, replace=False)
    close = np.array([1.0 + 6.0 * len(set(own) & set(genres)) for genres in catalog.titles["genres"].to_list()])
    popular = 1.0 / (20.0 + np.arange(len(catalog)) * 7 % len(catalog))
    allowed = catalog.maturity <= (7 if profile.kids else 99)
    return np.asarray(close * popular * allowed, np.float64)


def _visit(day: int, rng: np.random.Generator) -> _Visit:
    hour = int(rng.choice([13, 19, 20, 22, 23], p=[0.2, 0.25, 0.25, 0.15, 0.15]))
    devices = ["phone", "tv", "web"]
    device = str(rng.choice(devices, p=[0.6, 0.2, 0.2] if hour >= 22 else [0.2, 0.5, 0.3]))
    return _Visit(day * 24 * HOUR + hour * HOUR + int(rng.integers(HOUR)), device)


def _chosen(shelf: _Shelf, watching: _Watching, visit: _Visit, rng: np.random.Generator, config: ShowLogConfig) -> int:
    """A title that was not begun, by taste and by the occasion; -1 where none is left."""
    weights = watching.taste * np.where(visit.late & (shelf.minutes <= 50), config.late_short, 1.0)
    weights = weights * np.where(visit.weekend_tv & shelf.film, config.weekend_film, 1.0)
    weights[list(watching.places)] = 0.0
    total = weights.sum()
    return int(rng.choice(len(weights), p=weights / total)) if total > 0 else -1


def _binge(
    shelf: _Shelf,
    watching: _Watching,
    title: int,
    visit: _Visit,
    rng: np.random.Generator,
    config: ShowLogConfig,
) -> Iterator[tuple[str, int, float, str]]:
    """Episodes one after the other, until one is stopped, there is no more, or it is enough."""
    second, first = visit.second, shelf.offsets[title]
    while (place := _next(shelf, watching, title, visit)) >= 0:
        drawn = rng.random()
        if drawn < config.rewatches and place:
            shown = int(rng.integers(place))
        else:
            skipped = drawn > 1 - config.skips and first + place + 1 < shelf.offsets[title + 1]
            shown = place = place + int(skipped)
        share = _share(rng, config)
        yield shelf.episode_ids[shelf.order[first + shown]], START + second, share, visit.device
        if shown == place:
            watching.places[title] = place + int(share >= FINISHED)
        second += 40 * 60
        if share < FINISHED or rng.random() >= config.another:
            break
    if rng.random() < config.leaves:
        watching.places[title] = 1 << 30


def _next(shelf: _Shelf, watching: _Watching, title: int, visit: _Visit) -> int:
    """The place of the next episode of a series that there is by then; -1 for none."""
    place = watching.places.get(title, 0)
    at = shelf.offsets[title] + place
    if at >= shelf.offsets[title + 1]:
        return -1
    return place if shelf.added[shelf.order[at]] <= (START + visit.second) * 1_000_000 else -1


def _share(rng: np.random.Generator, config: ShowLogConfig) -> float:
    return float(rng.uniform(0.15, 0.85)) if rng.random() < config.stops else 1.0
