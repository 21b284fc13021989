"""Series: is the next episode the one that is played, and what do pages cost with series and without.

    matinee bench series

A made-up log of films and shows (`simulate/show_log.py`, 300 members, 90 days, seed 0). Of every play of an episode of
a series begun before: is it the episode that was offered just before, as of then? Beside it what follows the latest
play alone, and the first never finished. Intervals are bootstrapped over members. `taste`: the share of a member's
tastes, by weight, that is the series with the most plays, and what it would be if every play counted. Pages: single
decisions with popularity, 10,000 titles and histories of 100, films alone; then with a fifth of the titles series.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import polars as pl
from bench_page import PAGE, make_policy, requests
from machine import machine

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.histories import histories_of
from matinee.decision import Progress, Requests, no_progress
from matinee.decision.next_up import next_up
from matinee.events import FINISHED
from matinee.history import Histories
from matinee.maths.arrays import Flags, Int32s, Int64s
from matinee.maths.mean_intervals import bootstrap, by_cluster
from matinee.series import Series
from matinee.simulate.show_log import show_log

SEED, DECISIONS, EPISODES, TITLES = 0, 400, 20, 10_000


def run(progress: Progress = no_progress) -> dict[str, Any]:
    """Shares with intervals, and milliseconds."""
    progress("a log of films and shows", 0.0)
    data = show_log(np.random.default_rng(SEED))
    progress("what comes next", 0.2)
    results: dict[str, Any] = {"machine": machine(), "seed": SEED, "events": data.events.height}
    return {**results, **offered_is_played(data), **taste_of_a_binge(data), **costs(progress)}


def offered_is_played(data: Dataset) -> dict[str, str]:
    """P(the next episode is the one played), for three ways to say which is next."""
    found = histories_of(data.events, list(data.profiles), data.catalog, 2**62)
    owners = np.repeat(np.arange(len(found)), np.diff(found.offsets))
    plays = np.flatnonzero(found.episodes >= 0)
    before = [_before(found, int(owners[at]), int(at)) for at in plays]
    past = Histories.joined(before)
    offered = next_up(past, data.catalog, found.times[plays])
    lines = offered.titles == found.items[plays][offered.members]
    asked, mine = offered.members[lines], offered.episodes[lines]
    played, followed = found.episodes[plays][asked], offered.plays[lines]
    ways = {
        "next up": mine,
        "after the latest play": _after(data.catalog, past.episodes[followed], past.values[followed] >= FINISHED),
        "the first not finished": _first_unfinished(
            data.catalog, [before[b] for b in asked], found.items[plays][asked]
        ),
    }
    users = owners[plays][asked]
    return {"plays of series begun before": f"{len(asked):,}"} | {
        f"P(played | {name})": _share(way == played, users) for name, way in ways.items()
    }


def taste_of_a_binge(data: Dataset) -> dict[str, float]:
    """The share of each member's tastes that the series with the most plays is, by weight and by plays; the mean."""
    found = histories_of(data.events, list(data.profiles), data.catalog, 2**62)
    plays, shares = [], []
    for b in range(len(found)):
        alone = found.take(np.array([b]))
        if not len(alone.tastes.items):
            continue
        counts = np.bincount(alone.items, minlength=len(data.catalog))
        plays.append(counts.max() / counts.sum())
        top = alone.tastes.items == counts.argmax()
        shares.append(alone.tastes.weights[top].sum() / alone.tastes.weights.sum())
    return {"taste, the most played series": float(np.mean(shares)), "its share of the plays": float(np.mean(plays))}


def costs(progress: Progress) -> dict[str, float]:
    """Milliseconds of a page without series and with, by turns."""
    rng = np.random.default_rng(SEED)
    policy, now = make_policy(rng, TITLES, "popularity")
    known = np.arange(TITLES, dtype=np.int32)
    asked = [requests(rng, 1, now, PAGE, known) for _ in range(DECISIONS)]
    shows = _with_shows(policy.catalog)
    with_series = type(policy)(**{**vars_of(policy), "catalog": shows})
    pairs = [(policy, asked), (with_series, [_of_episodes(one, shows) for one in asked])]
    for one, some in pairs:
        for request in some[:50]:
            one.decide(request, rng)
    times: list[list[float]] = [[], []]
    for at in range(50, DECISIONS):
        progress("pages", 0.5 + at / DECISIONS / 2)
        for k, (one, some) in enumerate(pairs):
            start = time.perf_counter()
            one.decide(some[at], rng)
            times[k].append(1e3 * (time.perf_counter() - start))
    plain, full = (float(np.median(one)) for one in times)
    return {"page_p50_ms": plain, "page_with_series_p50_ms": full, "ratio": full / plain}


def vars_of(policy: Any) -> dict[str, Any]:
    """The fields of a frozen policy."""
    return {name: getattr(policy, name) for name in policy.__dataclass_fields__}


def _before(found: Histories, member: int, at: int) -> Histories:
    """What the member did before the event at a place of the histories."""
    first = int(found.offsets[member])
    return found.select(np.array([0, at - first]), slice(first, at))


def _after(catalog: Catalog, episodes: Int32s, finished: Flags) -> Int32s:
    """The episode itself, or the one after it where it was finished; -1 for none."""
    guide = catalog.guide
    places = guide.places[episodes] + finished
    there = places < guide.offsets[guide.titles[episodes] + 1]
    return np.where(there, guide.order[np.minimum(places, len(guide.order) - 1)], -1).astype(np.int32)


def _first_unfinished(catalog: Catalog, past: list[Histories], titles: Int32s) -> Int32s:
    """The first episode of each series of which no play reached the end."""
    guide, found = catalog.guide, []
    for one, title in zip(past, titles.tolist(), strict=True):
        theirs = guide.order[guide.offsets[title] : guide.offsets[title + 1]]
        left = theirs[~np.isin(theirs, one.episodes[one.values >= FINISHED])]
        found.append(left[0] if len(left) else -1)
    return np.array(found, np.int32)


def _share(right: Flags, users: Int64s) -> str:
    """A share with its interval: members are drawn, each with all of their plays."""
    share, low, high = bootstrap(by_cluster(right.astype(np.float64), users), np.random.default_rng(SEED))
    return f"{share:.3f} [{low:.3f}, {high:.3f}]"


def _with_shows(catalog: Catalog) -> Catalog:
    """Every fifth title as a series of two seasons."""
    titles = catalog.item_ids[::5]
    rows = [(f"{one}-{e}", one, 1 + e // 10, e % 10) for one in titles for e in range(EPISODES)]
    frame = pl.DataFrame(rows, ["item_id", "series_id", "season", "episode"], orient="row")
    return catalog.with_series(Series.from_frame(frame))


def _of_episodes(asked: Requests, catalog: Catalog) -> Requests:
    """The same request; what was done with a series was done with its first episode."""
    past, guide = asked.histories, catalog.guide
    series = guide.n_episodes[past.items] > 0
    first = guide.order[np.minimum(guide.offsets[past.items], len(guide.order) - 1)]
    episodes = np.where(series, first, -1).astype(np.int32)
    told = Histories(past.offsets, past.items, past.kinds, past.values, past.times, episodes=episodes)
    return Requests.of_histories(told, asked.times, layout=asked.layout)
