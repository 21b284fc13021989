"""The shortlist: the titles that a page is built from, so that its cost follows what is asked and not the catalogue."""

from __future__ import annotations

import numba
import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests
from matinee.decision.eligibility import countries_of
from matinee.events import DAY
from matinee.maths.arrays import Flags, Floats, Int32s, Int64s, UInt32s
from matinee.maths.ragged import owners_of
from matinee.surfaces.charts import Charts
from matinee.surfaces.sway import Sway

KEPT = 4_096  # best titles of a request that its rows choose from; a smaller catalogue is taken whole
NEW = 1_024  # best new titles, which rank among themselves
DIGITS = ((21, 11), (10, 11), (0, 10))  # where they begin and how long they are, in bits: a number's key, from the top


def shortlist(
    requests: Requests,
    allowed: Flags,
    worth: Floats,
    nearest: Int32s,
    catalog: Catalog,
    charts: Charts,
    new_days: int,
    sway: Sway,
) -> Flags:
    """Which titles the rows of each request may hold, (batch, titles): all of them in a catalogue of up to `KEPT`.

    Else the `KEPT` allowed titles with the highest `worth`, the `NEW` best of those that arrived in the last
    `new_days`, the `nearest` (batch, because_rows, k) titles, those of the history and of the request's own charts, and
    what is promoted. It depends on the request alone, not on its batch.
    """
    if len(catalog) <= KEPT:
        return np.ones_like(allowed)
    near = np.zeros_like(allowed)
    _keep_best(worth, allowed, catalog.arrived, requests.times - new_days * DAY, KEPT, NEW, near)
    histories = requests.histories
    near[owners_of(histories.offsets), histories.items] = True
    b, row, at = np.nonzero(nearest >= 0)
    near[b, nearest[b, row, at]] = True
    near[:, charts.trending.items] = True
    if sway.promotes:
        near |= sway.promoted
    known = np.array([country if country in charts.popular else "" for country in countries_of(requests)])
    for country in np.unique(known):
        near[np.ix_(known == country, charts.popular[str(country) or None].items)] = True
    return near


@numba.njit(cache=True, nogil=True)
def _keep_best(
    values: Floats, allowed: Flags, arrived: Int64s, new_since: Int64s, most: int, most_new: int, near: Flags
) -> None:
    n = values.shape[1]
    keys, open_at, new_at = np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.uint32)
    for b in range(len(values)):
        bits, n_open, n_new = values[b].view(np.uint32), 0, 0
        for item in range(n):
            negative = bits[item] >> np.uint32(31)
            keys[item] = ~bits[item] if negative else bits[item] | np.uint32(0x80000000)
            open_at[n_open] = new_at[n_new] = item
            n_open += allowed[b, item]
            n_new += allowed[b, item] and arrived[item] >= new_since[b]
        _mark_best(keys, open_at[:n_open], most, near[b])
        _mark_best(keys, new_at[:n_new], most_new, near[b])


@numba.njit(cache=True, nogil=True)
def _mark_best(keys: UInt32s, places: UInt32s, most: int, near: Flags) -> None:
    """Mark the `most` of these places with the largest keys; of equal ones the first. Linear."""
    for shift, width in DIGITS:
        if len(places) <= most:
            break
        counts = np.zeros(1 << width, np.int32)
        for at in places:
            counts[_digit(keys[at], shift, width)] += 1
        least, above = len(counts) - 1, 0
        while above + counts[least] < most:
            above += counts[least]
            least -= 1
        tied, n_tied = np.empty(len(places), np.uint32), 0
        for at in places:  # without a branch: which way it goes could not be foretold
            digit = _digit(keys[at], shift, width)
            near[at] |= digit > least
            tied[n_tied] = at
            n_tied += digit == least
        places, most = tied[:n_tied], most - above
    for at in places[:most]:
        near[at] = True


@numba.njit(cache=True, nogil=True)
def _digit(key: np.uint32, shift: int, width: int) -> int:
    return int(np.int64(key >> np.uint32(shift)) & ((1 << width) - 1))
