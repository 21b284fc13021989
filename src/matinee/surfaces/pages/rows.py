"""Candidate rows: for each request, every row that could stand on the page, with its titles in order.

row                  candidates                                    order within the row         evidence
billboard            every fresh title, one of them                worth                        the model's
continue watching    played, not finished, in the last 90 days     latest first                 the play itself
new episodes         series caught up with, more arrived since     latest played first          the play itself
my list              on the list                                   latest added first           the list itself
top picks            every fresh title                             worth                        the model's
because you watched  the 60 titles that one title raises most      worth                        that title; the model's
genre, genre x tag   fresh titles of the theme                     worth                        the model's
trending             liked by more members than before             z-score of the rise          the chart
new arrivals         arrived in the last 60 days                   worth                        the date
popular              the chart of the country, or everywhere       members who liked it         the chart
for the occasion     fresh titles that are watched more on it      worth                        how much more often
watch it again       finished more than 30 days ago                latest first                 the play itself

A series is finished when its member has caught up with all episodes that there are; see `decision.next_up`.
Fresh: eligible, not played, rated or liked before, not dismissed, not just taken off the list. Worth: the estimated
probability that the title satisfies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.eligibility import countries_of
from matinee.decision.next_up import NextUp, next_up
from matinee.decision.occasions import kids_of, liking_key
from matinee.decision.rows import UNDATED, chart_key
from matinee.events import DAY, PLAYED, Kind
from matinee.history import Histories, Tastes
from matinee.maths.arrays import Flags, Floats, Int8s, Int32s, Int64s
from matinee.maths.ragged import Ragged, transpose
from matinee.page import RowKind
from matinee.situation import country_of
from matinee.surfaces.charts import Chart, Charts
from matinee.surfaces.occasions import ROWS as SUITING
from matinee.surfaces.occasions import Suited, asked_on
from matinee.surfaces.pages import row_kernels as kernels
from matinee.surfaces.pages.types import ByWorth, Events, Own, OwnWorths, PoolArrays, ThemeArrays
from matinee.surfaces.sway import Sway
from matinee.surfaces.trust import REMOVED_DAYS

# slots; the themes follow these
BILLBOARD, CONTINUE, MY_LIST, AGAIN, PICKS, TRENDING, ARRIVALS, POPULAR, BY_CHANCE, NEW_EPISODES, OCCASION = range(11)
BECAUSE = OCCASION + SUITING
WAITING = 0.5  # how far a member is with a series of which an episode waits
NEVER = np.iinfo(np.int64).min
FIXED = (
    RowKind.BILLBOARD,
    RowKind.CONTINUE_WATCHING,
    RowKind.MY_LIST,
    RowKind.WATCH_AGAIN,
    RowKind.TOP_PICKS,
    RowKind.TRENDING,
    RowKind.NEW_ARRIVALS,
    RowKind.POPULAR,
    RowKind.BY_CHANCE,
    RowKind.NEW_EPISODES,
    *[RowKind.OCCASION] * SUITING,
)


@dataclass(frozen=True, slots=True)
class RowsConfig:
    """`pool`: titles kept a row, per column of the layout; `because_rows`: how many of the
    latest tastes may have a row of their own.

    `themes`: genre and genre x tag rows considered a request; `theme_size`: titles a theme needs. The worths: a title
    put on the list, or started `resume_half_life` days ago or less, is likelier to satisfy than a model can know.
    """

    pool: int = 4
    because_rows: int = 5
    themes: int = 64
    theme_size: int = 12
    new_days: int = 60
    resume_days: int = 90
    resume_worth: float = 0.5
    resume_half_life: float = 14.0
    listed_worth: float = 0.25
    again_worth: float = 0.01
    again_after_days: int = 30


@dataclass(frozen=True)
class Themes:
    """Genre rows and genre x tag rows of a catalogue: kind, key, titles (`of_title`: title -> themes)."""

    kinds: Int8s
    keys: Int32s
    of_title: Ragged

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def arrays(self) -> ThemeArrays:
        """What the kernels read."""
        return ThemeArrays(*self.of_title.unsigned, len(self))


@dataclass(frozen=True)
class Pools:
    """Candidate rows of a batch, each with its titles in falling order of its own ranker.

    `kinds`, `keys`, `sizes`, `minimum` (batch, rows); `items`, `worths` and `logits` (batch, rows, pool): the titles,
    the probability that each satisfies in this row, and the ranker's log-worth from which exploration draws. `fresh`
    and `worth` (batch, titles): what a row by chance draws from; without titles where none is asked for.
    """

    kinds: Int8s
    keys: Int32s
    sizes: Int32s
    minimum: Int32s
    items: Int32s
    worths: Floats
    logits: Floats
    fresh: Flags
    worth: Floats

    @classmethod
    def empty(cls, batch: int, rows: int, pool: int, minimum: int) -> Pools:
        """Pools without titles; a row is offered from `minimum` titles on."""
        shape = (batch, rows, pool)
        return cls(
            kinds=np.full(shape[:2], RowKind.EMPTY, np.int8),
            keys=np.full(shape[:2], -1, np.int32),
            sizes=np.zeros(shape[:2], np.int32),
            minimum=np.full(shape[:2], minimum, np.int32),
            items=np.empty(shape, np.int32),
            worths=np.ones(shape, np.float32),
            logits=np.empty(shape, np.float32),
            fresh=np.zeros((batch, 0), np.bool_),
            worth=np.zeros((batch, 0), np.float32),
        )

    @property
    def arrays(self) -> PoolArrays:
        """What the kernels fill."""
        return PoolArrays(self.sizes, self.items, self.worths, self.logits)


def themes_of(catalog: Catalog, config: RowsConfig) -> Themes:
    """Every genre and every pair of a genre and a tag with `theme_size` titles; of the pairs the largest."""
    genres, tags = catalog.title_genres, catalog.title_tags
    pairs: dict[int, list[int]] = {}
    for item in np.flatnonzero(np.diff(tags.offsets)):
        for genre in genres[int(item)]:
            for tag in tags[int(item)]:
                pairs.setdefault(int(genre) * len(catalog.tags) + int(tag), []).append(int(item))
    large = sorted((k for k in pairs if len(pairs[k]) >= config.theme_size), key=lambda k: (-len(pairs[k]), k))
    large = large[: 4 * config.themes]
    sized = [g for g in range(len(catalog.genres)) if len(catalog.genre_titles[g]) >= config.theme_size]
    members = Ragged.of([catalog.genre_titles[g] for g in sized] + [pairs[k] for k in large])
    kinds = [RowKind.GENRE] * len(sized) + [RowKind.GENRE_TAG] * len(large)
    return Themes(np.array(kinds, np.int8), np.array(sized + large, np.int32), transpose(members, len(catalog)))


def candidate_rows(
    requests: Requests,
    allowed: Flags,
    near: Flags,
    worth: Floats,
    nearest: Int32s,
    catalog: Catalog,
    themes: Themes,
    charts: Charts,
    suited: Suited,
    config: RowsConfig,
    sway: Sway,
) -> Pools:
    """Fill every candidate row of every request.

    `allowed` (batch, titles) from `eligible`; `near` (batch, titles) from `shortlist`; `worth` (batch, titles) the
    probabilities of those; `nearest` (batch, because_rows, k) the
    titles nearest to each of the request's `latest_tastes`, -1 for none. `sway`: what is boosted and promoted in
    rows whose titles the members did not choose themselves.
    """
    tastes = requests.histories.tastes
    picked = _themes_for(tastes, themes, config.themes)
    rows = BECAUSE + config.because_rows + picked.shape[1]
    pool = min(config.pool * requests.layout.columns, len(catalog))
    pools = Pools.empty(len(requests), rows, pool, _fewest(requests))
    everything = _personal_rows(requests, allowed, worth, catalog, pools, config)
    pools, fresh = replace(pools, fresh=everything, worth=worth), everything & near
    worth = sway.boosted(worth)
    _chart_rows(requests, fresh, worth, charts, pools, sway)
    _occasion_rows(requests, fresh, worth, suited, catalog, pools)
    reserved = math.ceil(min(float(sway.shares.sum()), 1.0) * pool)
    since, slots = requests.times - config.new_days * DAY, ByWorth(BILLBOARD, PICKS, ARRIVALS, BECAUSE)
    kernels.fill_by_worth(
        fresh,
        worth,
        since,
        requests.times,
        catalog.arrived,
        nearest,
        picked,
        themes.arrays,
        slots,
        sway.promoted,
        reserved,
        pools.arrays,
    )
    if sway.promotes:
        _sort_by_worth(pools)
    for rows_by_worth in ([BILLBOARD, PICKS, ARRIVALS], slice(OCCASION, None)):
        pools.logits[:, rows_by_worth] = np.log(pools.worths[:, rows_by_worth])
    _label(pools, tastes, themes, picked, config.because_rows)
    return pools


def latest_tastes(tastes: Tastes, n: int) -> Int32s:
    """Positions in the flat tastes of each member's latest `n` titles, latest first: (batch, n), -1 for none."""
    at = tastes.offsets[1:, None] - 1 - np.arange(n)
    return np.where(at >= tastes.offsets[:-1, None], at, -1).astype(np.int32)


def _fewest(requests: Requests) -> int:
    """A row that does not fill what is visible at a glance looks broken; half of it is the least that is offered."""
    return max(1, min(requests.layout.visible, requests.layout.columns) // 2)


def _themes_for(tastes: Tastes, themes: Themes, n: int) -> Int32s:
    """The `n` themes nearest to each member's tastes, (batch, n); the first where they say nothing."""
    batch = len(tastes)
    if len(themes) <= n:
        return np.broadcast_to(np.arange(len(themes), dtype=np.int32), (batch, len(themes))).copy()
    affinity = np.zeros((batch, len(themes)), np.float32)
    groups = themes.arrays
    kernels.add_by_group(tastes.offsets, tastes.items, tastes.weights, groups.offsets, groups.themes, affinity)
    return np.argsort(-affinity, axis=1, kind="stable")[:, :n].astype(np.int32)


def _personal_rows(
    requests: Requests, allowed: Flags, worth: Floats, catalog: Catalog, pools: Pools, config: RowsConfig
) -> Flags:
    """Fill the rows of what the member did; returns which titles are fresh, (batch, titles)."""
    fresh = allowed.copy()
    own = OwnWorths(
        resume=config.resume_worth,
        listed=config.listed_worth,
        again=config.again_worth,
        resumable=float(config.resume_days * DAY),
        rewatchable=float(config.again_after_days * DAY),
        half_life=float(config.resume_half_life * DAY),
        removed=float(REMOVED_DAYS * DAY),
    )
    events = _as_titles(requests, catalog, since=config.new_days * DAY)
    slots = Own(CONTINUE, MY_LIST, AGAIN, NEW_EPISODES)
    kernels.walk_histories(events, requests.times, allowed, fresh, worth, own, slots, pools.arrays)
    pools.minimum[:, [BILLBOARD, CONTINUE, MY_LIST, NEW_EPISODES]] = 1
    return fresh


def _as_titles(requests: Requests, catalog: Catalog, since: int) -> Events:
    """The histories with series as titles: the latest play or rating of each says how far the member is with it.

    It is a play of `WAITING` where an episode waits, of 1 where none does; and it says when more arrived, up to `since`
    microseconds ago.
    """
    history = requests.histories
    kinds, values, arrivals = history.kinds, history.values, np.full(len(history.values), NEVER, np.int64)
    if len(catalog.series):
        found = next_up(history, catalog, requests.times)
        added = np.append(catalog.guide.added, NEVER)[found.episodes]
        new = found.new & (added >= requests.times[found.members] - since)
        last, kinds, values = _last_words(history, found, len(catalog)), kinds.copy(), values.copy()
        kinds[last], values[last] = Kind.PLAY, np.where(found.episodes >= 0, WAITING, 1.0)
        arrivals[last] = np.where(new, added, NEVER)
    return Events(history.offsets, history.items, kinds, values, history.times, arrivals)


def _last_words(history: Histories, found: NextUp, titles: int) -> Int64s:
    """The place of the latest play or rating of each of these series, its episodes' included."""
    of_series = found.members.astype(np.int64) * titles + found.titles
    words = np.flatnonzero((history.kinds == Kind.RATING) | ((history.kinds == Kind.PLAY) & (history.values >= PLAYED)))
    told = (np.searchsorted(history.offsets, words, side="right") - 1) * titles + history.items[words]
    at = np.minimum(np.searchsorted(of_series, told), max(len(of_series) - 1, 0))
    ours = np.isin(told, of_series)
    last = found.plays.copy()
    np.maximum.at(last, at[ours], words[ours])
    return last


def _sort_by_worth(pools: Pools) -> None:
    """Put the rows that are filled by worth, promoted titles first, in falling order of it."""
    for row in (BILLBOARD, PICKS, ARRIVALS, *range(BECAUSE, pools.sizes.shape[1])):
        held = np.arange(pools.items.shape[2]) < pools.sizes[:, row, None]
        order = np.argsort(np.where(held, -pools.worths[:, row], np.inf), axis=1, kind="stable")
        for values in (pools.items, pools.worths):
            values[:, row] = np.take_along_axis(values[:, row], order, axis=1)


def _chart_rows(requests: Requests, fresh: Flags, worth: Floats, charts: Charts, pools: Pools, sway: Sway) -> None:
    """Fill popular and trending. A chart drawn more than a day before the request is not dated, and nothing trends.

    On a page for kids stands no chart: what most members like is not what they may like.
    """
    grown = ~kids_of(requests)
    countries = (country_of(int(code)) for code in countries_of(requests))
    known = np.array([country if country in charts.popular else None for country in countries], object)
    dated = requests.times - charts.as_of <= DAY
    pools.keys[:, TRENDING] = chart_key(charts.window, None)
    for country in dict.fromkeys(known):
        of_country = known == country
        keys = chart_key(charts.window, country), chart_key(UNDATED, country)
        pools.keys[of_country, POPULAR] = np.where(dated[of_country], *keys)
        _fill_from(charts.popular[country], np.flatnonzero(of_country & grown), POPULAR, fresh, worth, pools)
    _fill_from(charts.trending, np.flatnonzero(dated & grown), TRENDING, fresh, worth, pools)
    for row in (POPULAR, TRENDING) if sway.boosts else ():
        for b, size in enumerate(pools.sizes[:, row]):
            pools.logits[b, row, :size] += sway.logits(b, pools.items[b, row, :size])


def _occasion_rows(
    requests: Requests, fresh: Flags, worth: Floats, suited: Suited, catalog: Catalog, pools: Pools
) -> None:
    """Fill the rows of what suits the occasion."""
    capacity = pools.items.shape[2]
    for b, occasion in enumerate(asked_on(requests).tolist()):
        for row, liking in enumerate(suited.likings(occasion), start=OCCASION):
            titles = suited.titles(liking.feature)
            titles = titles[fresh[b, titles]]
            best = titles[np.argsort(-worth[b, titles], kind="stable")[:capacity]]
            pools.sizes[b, row], pools.keys[b, row] = len(best), liking_key(liking, catalog)
            pools.items[b, row, : len(best)], pools.worths[b, row, : len(best)] = best, worth[b, best]


def _fill_from(chart: Chart, batch: Int64s, slot: int, fresh: Flags, worth: Floats, pools: Pools) -> None:
    kernels.fill_from_chart(chart.items, np.log(chart.values), fresh, worth, batch, slot, pools.arrays)


def _label(pools: Pools, tastes: Tastes, themes: Themes, picked: Int32s, because_rows: int) -> None:
    """Write the kind and key of every row."""
    pools.kinds[:, :BECAUSE] = FIXED
    at = latest_tastes(tastes, because_rows)
    founded = at >= 0
    played = np.append(tastes.kinds, np.int8(-1))[at] == Kind.PLAY
    because = np.where(played, RowKind.BECAUSE_YOU_WATCHED, RowKind.BECAUSE_YOU_LIKED)
    pools.kinds[:, BECAUSE : BECAUSE + because_rows] = np.where(founded, because, RowKind.EMPTY)
    pools.keys[:, BECAUSE : BECAUSE + because_rows] = np.where(founded, np.append(tastes.items, np.int32(-1))[at], -1)
    pools.kinds[:, BECAUSE + because_rows :] = themes.kinds[picked]
    pools.keys[:, BECAUSE + because_rows :] = themes.keys[picked]
