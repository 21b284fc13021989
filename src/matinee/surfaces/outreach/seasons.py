"""Series of which another season arrived lately, for those who had caught up and were not told of it."""

from __future__ import annotations

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.next_up import NextUp, new_seasons
from matinee.events import Kind
from matinee.history import Histories
from matinee.maths.arrays import Flags
from matinee.maths.ragged import Ragged, offsets_of, owners_of


def seasons_for(requests: Requests, catalog: Catalog, offered: Flags, days: int, each: int) -> Ragged:
    """The series of each member with a season that arrived in the last `days`: at most `each`, played last first.

    Only those that are `offered` (batch, titles), and none that the member was written to about since it arrived.
    """
    if not len(catalog.series):
        return Ragged.of([[]] * len(requests))
    news = new_seasons(requests.histories, catalog, requests.times, days)
    news = news.where(offered[news.members, news.titles])
    news = news.where(~_told_of(news, requests.histories, catalog))
    order = np.lexsort((-news.plays, news.members))
    counts = np.bincount(news.members, minlength=len(requests))
    place = np.arange(len(order)) - offsets_of(counts)[:-1][news.members[order]]
    kept = order[place < each]
    return Ragged(offsets_of(np.minimum(counts, each)), news.titles[kept])


def _told_of(news: NextUp, past: Histories, catalog: Catalog) -> Flags:
    """(lines,) whether the member was written to about the series when its new season was there."""
    told, owners = np.flatnonzero(past.kinds == Kind.MESSAGE), owners_of(past.offsets)
    pairs = zip(owners[told].tolist(), past.items[told].tolist(), strict=True)
    latest = dict(zip(pairs, past.times[told].tolist(), strict=True))  # of a history the last word stays
    lines = zip(news.members.tolist(), news.titles.tolist(), catalog.guide.added[news.episodes].tolist(), strict=True)
    return np.array([(b, item) in latest and latest[b, item] >= added for b, item, added in lines], np.bool_)
