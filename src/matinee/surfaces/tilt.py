"""Dials that look at a title alone: what novelty and freshness leave of its worth, before rows are made of it.

    novelty     worth * 2^(-novelty * NOVELTY * (most surprise - surprise_t)): a title that four times as many
                members know is worth half as much, at a dial of 1
    freshness   worth * (1 + looks_t)^(-freshness * FRESHNESS), looks_t the looks at the title that led to nothing,
                halved every `HALF_LIFE` days

Surprise is self-information, -log2 of the share of members who know the title (Zhou et al., PNAS 2010).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matinee.decision import Requests
from matinee.events import DAY, Kind
from matinee.history import Histories
from matinee.maths.arrays import Doubles, Floats, Int64s
from matinee.maths.ragged import owners_of
from matinee.page import KEEPS_REPEATS, RowKind
from matinee.surfaces.pages.builder import Built
from matinee.surfaces.pages.rows import Pools

NOVELTY, FRESHNESS = 0.5, 2.0
HALF_LIFE = 7.0  # days
TAKEN_UP = (Kind.OPEN, Kind.PLAY, Kind.RATING, Kind.THUMBS_UP, Kind.LIST_ADD)  # what ends that a title is passed by
OWN = (*KEEPS_REPEATS, RowKind.WATCH_AGAIN)  # rows of titles that the member chose, at worths of their own


def tilt(worth: Floats, requests: Requests, surprise: Floats) -> Floats | None:
    """What is left of the `worth` (batch, titles) of each title, as a factor; None where both dials are off.

    The best title is worth as much as the best one was, so that rows at worths of their own stand where they did.
    `surprise` (titles,) bits; without titles where nobody knows it, and then nothing is tilted.
    """
    dials, titles = requests.dials, len(surprise)
    if not (dials.novelty or dials.freshness) or not titles:
        return None
    power = dials.novelty * NOVELTY * (surprise - surprise.max())
    left: Floats = np.tile(np.exp2(power, dtype=np.float32), (len(requests), 1))
    if dials.freshness:
        looks = looks_in_vain(requests.histories, requests.times, titles)
        left *= (1.0 + looks) ** np.float32(-FRESHNESS * dials.freshness)
    left *= worth.max(axis=1, keepdims=True) / (worth * left).max(axis=1, keepdims=True)
    return left


def straightened(built: Built, pools: Pools, left: Floats | None) -> Built:
    """Built pages with the worths that titles have to the member, whatever the dials left of them."""
    if left is None:
        return built
    b, r, c = np.nonzero(built.items >= 0)
    tilted = ~np.isin(pools.kinds[b, built.rows[b, r]], OWN)
    b, r, c = b[tilted], r[tilted], c[tilted]
    worths = built.worths.copy()
    worths[b, r, c] = np.minimum(worths[b, r, c] / left[b, built.items[b, r, c]], 1.0)
    return replace(built, worths=worths)


def looks_in_vain(histories: Histories, times: Int64s, titles: int) -> Floats:
    """(batch, titles) looks at each title since the member last took it up, those long ago for less."""
    member = owners_of(histories.offsets)
    place = member * titles + histories.items
    taken_up = np.full(len(histories) * titles, np.iinfo(np.int64).min)
    ends = np.isin(histories.kinds, TAKEN_UP)
    np.maximum.at(taken_up, place[ends], histories.times[ends])
    vain = (histories.kinds == Kind.IMPRESSION) & (histories.times > taken_up[place])
    weights: Doubles = 0.5 ** ((times[member[vain]] - histories.times[vain]) / (HALF_LIFE * DAY))
    sums = np.bincount(place[vain], weights, len(histories) * titles)
    return sums.reshape(len(histories), titles).astype(np.float32)
