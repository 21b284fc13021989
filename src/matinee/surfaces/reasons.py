"""What speaks for a title when no title of the history does: it is new, popular, or of a genre the member likes."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from matinee.catalog import Catalog
from matinee.decision import CHARTED, FAVOURITE, NEW, Requests
from matinee.decision.rows import UNDATED
from matinee.decision.why import UNTRUE, Why, kinds_of
from matinee.events import DAY
from matinee.history import Tastes
from matinee.maths.arrays import Floats, Int32s, Int64s
from matinee.surfaces.charts import Charts
from matinee.surfaces.pages.row_kernels import add_by_group

HIGH = 2  # one in so many titles of a chart is high in it,
RARE = 20  # and one in so many of the catalogue at most
NONE = -1  # evidence of nothing but a title's worth
OFTEN = 4  # a genre of one in so many liked titles is a favourite


@dataclass(frozen=True)
class Reasons:
    """All that is true of titles for members: by the charts, the dates of `catalog` and the genres that members like.

    A title is new for `new_days` after it arrived.
    """

    catalog: Catalog
    charts: Charts
    new_days: int

    @property
    def parts(self) -> tuple[object, ...]:
        """What a policy's digest takes in."""
        return (*self.charts.parts, self.new_days, *self.catalog.versioned)

    def of(self, requests: Requests, b: Int64s, titles: Int32s, evidence: Int32s) -> Int32s:
        """(titles, kinds) the evidence of each kind of `Why` for `titles`, shown to the batch rows `b` for the sake of
        `evidence` (titles,); `UNTRUE` for those that do not hold.
        """
        found = np.full((len(titles), len(Why)), UNTRUE, np.int32)
        told = self.besides(requests, b, titles)
        kinds = kinds_of(told)
        slots, columns = np.nonzero(told != NONE)
        found[slots, kinds[slots, columns]] = told[slots, columns]
        known = (evidence != NONE) | (told == NONE).all(axis=1)
        found[known, kinds_of(evidence)[known]] = evidence[known]
        return found

    def besides(self, requests: Requests, b: Int64s, titles: Int32s) -> Int32s:
        """(titles, 3) what speaks for titles beside a history: `NEW`, `CHARTED` - k, `FAVOURITE` - k, each -1 where it
        does not hold.
        """
        charts, catalog = self.charts, self.catalog
        now, arrived = requests.times[b], catalog.arrived[titles]
        new = (arrived >= now - self.new_days * DAY) & (arrived <= now)
        chart = charts.popular[None].items
        high = np.zeros(len(catalog), np.bool_)
        high[chart[: min(len(chart) // HIGH, len(catalog) // RARE)]] = True
        charted = CHARTED - np.where(now - charts.as_of <= DAY, charts.window, UNDATED)
        favourite = _favourites(requests.histories.tastes, b, titles, catalog)
        told = np.where(new, NEW, NONE), np.where(high[titles], charted, NONE), favourite
        return np.stack(told, axis=1).astype(np.int32)


def with_reasons(
    evidence: Int32s, items: Int32s, requests: Requests, catalog: Catalog, charts: Charts, new_days: int
) -> Int32s:
    """`evidence` of `items` (batch, r, c) with every -1 replaced by the first that is true, see `Choices`."""
    silent = np.nonzero((evidence == NONE) & (items >= 0))
    told = Reasons(catalog, charts, new_days).besides(requests, silent[0], items[silent])
    first = (told != NONE).argmax(axis=1)
    reasons = evidence.copy()
    reasons[silent] = told[np.arange(len(told)), first]
    return reasons


def _favourites(tastes: Tastes, members: Int64s, titles: Int32s, catalog: Catalog) -> Int32s:
    """(slots,) `FAVOURITE` - k for titles whose k-th genre is the favourite of the member; else -1."""
    genres = catalog.title_genres
    likes = np.zeros((len(tastes), len(catalog.genres)), np.float32)
    add_by_group(tastes.offsets, tastes.items, np.ones_like(tastes.weights), *genres.unsigned, likes)
    least = np.maximum(tastes.lengths / OFTEN, 1).astype(np.float32)
    found = np.full(len(titles), -1, np.int32)
    _find_favourites(members, titles, genres.offsets, genres.values, likes, least, found)
    return np.where(found >= 0, FAVOURITE - found, np.int32(-1))


@numba.njit(cache=True, nogil=True)
def _find_favourites(
    members: Int64s, titles: Int32s, offsets: Int64s, genres: Int32s, likes: Floats, least: Floats, found: Int32s
) -> None:
    """The place among each title's genres of the one that its member likes most, where it has `least` likes or more."""
    for at in range(len(titles)):
        most = least[members[at]]
        for k in range(offsets[titles[at]], offsets[titles[at] + 1]):
            count = likes[members[at], genres[k]]
            if count >= most and (found[at] < 0 or count > most):
                found[at], most = k - offsets[titles[at]], count
