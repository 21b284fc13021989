"""The episode of each series that comes next for one member, as an answer gives it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.next_up import first_episodes, next_up
from matinee.service.responses import NextOut


def coming(catalog: Catalog, requests: Requests, titles: Collection[int]) -> dict[int, NextOut]:
    """Of the series among these dense `titles` the next episode for whoever asks, a batch of one.

    It is the first where none was watched, and again where all there are were watched.
    """
    if not len(catalog.series):
        return {}
    series = np.array([one for one in titles if catalog.guide.n_episodes[one]], np.int32)
    time = int(requests.times[0])
    firsts = dict(zip(series.tolist(), first_episodes(catalog, series, time).tolist(), strict=True))
    out = {title: _out(catalog, episode, 0.0, False) for title, episode in firsts.items() if episode >= 0}
    found = next_up(requests.histories, catalog, requests.times)
    lines = zip(*(one.tolist() for one in (found.titles, found.episodes, found.resume, found.new)), strict=True)
    goes_on = {title: _out(catalog, episode, *rest) for title, episode, *rest in lines if title in out and episode >= 0}
    return {**out, **goes_on}


def shares_watched(catalog: Catalog, requests: Requests) -> dict[int, float]:
    """Of the series that a member, a batch of one, began: the share watched of the next episode, 1 where none is."""
    if not len(catalog.series):
        return {}
    found = next_up(requests.histories, catalog, requests.times)
    shares = np.where(found.episodes >= 0, found.resume.astype(np.float64), 1.0).round(3)
    return dict(zip(found.titles.tolist(), shares.tolist(), strict=True))


def _out(catalog: Catalog, episode: int, resume: float, new: bool) -> NextOut:
    known = catalog.series.frame.row(episode, named=True)
    names = ("item_id", "season", "episode", "name")
    return {**{name: known[name] for name in names}, "resume": round(resume, 3), "new": new}  # type: ignore[typeddict-item]
