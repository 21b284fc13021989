"""What the home page believes of a member's tastes: shares of genres, what weighs most, people, screens, tone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.beliefs import Beliefs, GenreBelief, PersonBelief, ScreenBelief, TitleBelief
from matinee.events import PLAYED, Kind
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Flags, Floats, Int32s
from matinee.situation import device_of
from matinee.surfaces.charts import Charts
from matinee.surfaces.pages.turned import mix_of

WEIGHED = 40  # latest likes that are weighed
LOOKED_AT = 60  # best titles that a like is weighed by
LEAST = 2  # titles that speak for a person


def beliefs(
    requests: Requests,
    open_to: Flags,
    catalog: Catalog,
    charts: Charts,
    tones: Floats,
    worth: Callable[[Requests], Floats],
) -> Beliefs:
    """Of a batch of one. `open_to` (titles,): what its page may hold now; `tones` (titles,); `worth(requests)` (batch,
    titles) is what the page goes by.
    """
    liked = requests.histories.tastes.items
    return Beliefs(
        len(liked),
        _genres(requests, catalog, charts),
        _weighed(requests, open_to, worth),
        _people(liked, catalog),
        _screens(requests.histories),
        _mean(tones[liked]),
        _mean(tones[charts.popular[None].items], charts.popular[None].values),
    )


def influences(requests: Requests, liked: Int32s, open_to: Flags, worth: Callable[[Requests], Floats]) -> Doubles:
    """(liked,) what each liked title of a batch of one does to its page, shares that sum to 1; all 0 where none does.

    By leaving one out: the drop in worth of the best titles t of the page when the history h loses the title j,

        influence_j = max(0, sum over t of worth(t | h) - worth(t | h without j))
    """
    history = requests.histories
    told = [history, *(history.keep(history.items != item) for item in liked)]
    found = worth(replace(requests.take(np.zeros(len(told), np.int64)), histories=Histories.joined(told)))
    best = np.argsort(np.where(open_to, -found[0], np.inf), kind="stable")[: min(LOOKED_AT, int(open_to.sum()))]
    kept = found[:, best].sum(axis=1, dtype=np.float64)
    drops = np.maximum(kept[0] - kept[1:], 0.0)
    return np.asarray(drops / drops.sum() if drops.any() else drops)


def _weighed(requests: Requests, open_to: Flags, worth: Callable[[Requests], Floats]) -> tuple[TitleBelief, ...]:
    """The latest likes, the weightiest first; of equals the latest."""
    latest = requests.histories.tastes.items[::-1][:WEIGHED]
    weights = influences(requests, latest, open_to, worth)
    order = np.argsort(-weights, kind="stable")
    return tuple(TitleBelief(int(latest[at]), float(weights[at])) for at in order)


def _genres(requests: Requests, catalog: Catalog, charts: Charts) -> tuple[GenreBelief, ...]:
    tastes = requests.histories.tastes
    shares, usual = mix_of(tastes, catalog)[0], charts.genre_shares
    titles = np.bincount(
        np.concatenate([np.empty(0, np.int32), *(catalog.title_genres[int(item)] for item in tastes.items)]),
        minlength=len(shares),
    )
    order = [g for g in np.argsort(-shares, kind="stable").tolist() if shares[g] > 0]
    return tuple(GenreBelief(g, float(shares[g]), float(usual[g]), int(titles[g])) for g in order)


def _people(liked: Int32s, catalog: Catalog) -> tuple[PersonBelief, ...]:
    named = catalog.titles["people"].gather(liked).to_list()
    counts = Counter(name for people in named for name in dict.fromkeys(people))
    often = [PersonBelief(name, n) for name, n in counts.items() if n >= LEAST]
    return tuple(sorted(often, key=lambda one: (-one.titles, one.name)))


def _screens(history: Histories) -> tuple[ScreenBelief, ...]:
    plays = (history.kinds == Kind.PLAY) & (history.values >= PLAYED) & (history.devices > 0)
    codes, counts = np.unique(history.devices[plays], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return tuple(ScreenBelief(device_of(int(codes[at])) or "", float(counts[at] / counts.sum())) for at in order)


def _mean(values: Floats, weights: Floats | None = None) -> float:
    """The weighted mean, 0 of nothing."""
    return float(np.average(values, weights=weights)) if len(values) else 0.0
