"""Which episode comes next for each member in each series that they watch, as of a moment; and what is new to them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from matinee.catalog import Catalog
from matinee.events import FINISHED, PLAYED, Kind
from matinee.history import Histories
from matinee.maths.arrays import Flags, Floats, Int32s, Int64s
from matinee.series import Guide


@dataclass(frozen=True)
class NextUp:
    """A line for each member and each series of which they played an episode (`PLAYED` or more of it).

    `members` batch rows, `titles` dense; `episodes` the index of the next one, -1 where they have caught up; `resume`
    the share of it that was watched; `plays` the place in the histories of the latest play; `new` whether the
    next one arrived after that play, so that then there was none; `seasons` whether it begins another season.
    """

    members: Int32s
    titles: Int32s
    episodes: Int32s
    resume: Floats
    plays: Int64s
    new: Flags
    seasons: Flags

    def __len__(self) -> int:
        return len(self.titles)

    def where(self, lines: Flags) -> NextUp:
        """The lines that `lines` (lines,) marks."""
        return NextUp(*(getattr(self, one.name)[lines] for one in fields(self)))


def next_up(histories: Histories, catalog: Catalog, times: Int64s) -> NextUp:
    """What comes next at `times` (batch,), out of histories as of then and episodes that were added by then.

    The latest episode played, from where it stopped, unless it was finished; else the first after the furthest
    episode finished, in the order of seasons and numbers. An episode is finished from `FINISHED` on.
    """
    played = (histories.episodes >= 0) & (histories.kinds == Kind.PLAY) & (histories.values >= PLAYED)
    plays = np.flatnonzero(played)
    owners = np.searchsorted(histories.offsets, plays, side="right") - 1
    titles, guide = histories.items[plays], catalog.guide
    pairs, latest, of = _latest(owners * max(len(catalog), 1) + titles, plays)
    members, series = np.divmod(pairs, max(len(catalog), 1))
    finished = histories.values[plays] >= FINISHED
    furthest = guide.offsets[series] - 1
    np.maximum.at(furthest, of[finished], guide.places[histories.episodes[plays[finished]]])
    resumes = histories.values[latest] < FINISHED
    after = _first_there(furthest + 1, guide, series, times[members])
    episodes = np.where(resumes, histories.episodes[latest], after).astype(np.int32)
    goes_on = ~resumes & (episodes >= 0)
    last = guide.order[furthest[goes_on]]
    new, seasons = goes_on.copy(), goes_on.copy()
    new[goes_on] = guide.added[episodes[goes_on]] > histories.times[latest[goes_on]]
    seasons[goes_on] = guide.seasons[episodes[goes_on]] != guide.seasons[last]
    return NextUp(
        members.astype(np.int32),
        series.astype(np.int32),
        episodes,
        np.where(resumes, histories.values[latest], 0.0).astype(np.float32),
        latest,
        new,
        seasons,
    )


def new_seasons(histories: Histories, catalog: Catalog, times: Int64s, days: float) -> NextUp:
    """The series that each member had caught up with, of which another season arrived in the `days` before `times`."""
    found = next_up(histories, catalog, times)
    since = times[found.members] - round(days * 86_400e6)
    return found.where(found.new & found.seasons & (catalog.guide.added[found.episodes] >= since))


def first_episodes(catalog: Catalog, titles: Int32s, time: int) -> Int32s:
    """The first episode that there is at `time` of each of these titles (n,); -1 for none."""
    guide, series = catalog.guide, titles.astype(np.int64)
    return _first_there(guide.offsets[series], guide, series, np.full(len(titles), time, np.int64))


def _latest(pairs: Int64s, plays: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """The distinct `pairs`, the last play of each, and which pair each play is of."""
    backwards, first, of = np.unique(pairs[::-1], return_index=True, return_inverse=True)
    return backwards, plays[::-1][first], of[::-1]


def _first_there(places: Int64s, guide: Guide, series: Int64s, times: Int64s) -> Int32s:
    """The first episode from each of `places` on, in the order to watch its series, that was added by then; or -1."""
    at, ends = places.copy(), guide.offsets[series + 1]
    order, added = np.append(guide.order, np.int32(0)), guide.added
    while (later := _not_yet(at, ends, order, added, times)).any():
        at[later] += 1
    return np.where(at < ends, order[np.minimum(at, len(guide.order))], -1).astype(np.int32)


def _not_yet(at: Int64s, ends: Int64s, order: Int32s, added: Int64s, times: Int64s) -> Flags:
    inside = at < ends
    waits = np.zeros(len(at), np.bool_)
    waits[inside] = added[order[at[inside]]] > times[inside]
    return waits
