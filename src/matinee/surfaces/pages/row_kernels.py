"""Compiled loops behind `rows.py`: one walk over each history, one walk over the titles by falling worth."""

from __future__ import annotations

import numba
import numpy as np

from matinee.events import FINISHED, LIKED_RATING, PLAYED, Kind
from matinee.maths.arrays import Flags, Floats, Int32s, Int64s, UInt32s, UInt64s
from matinee.maths.ordering import descending
from matinee.surfaces.pages.types import ByWorth, Events, Own, OwnWorths, PoolArrays, ThemeArrays

PLAY, RATING, ADD, REMOVE = int(Kind.PLAY), int(Kind.RATING), int(Kind.LIST_ADD), int(Kind.LIST_REMOVE)
UP, DOWN, DISMISS, SEEN = int(Kind.THUMBS_UP), int(Kind.THUMBS_DOWN), int(Kind.DISMISS), int(Kind.SEEN)
WELCOME, REFUSED = 1, 2
NEVER = np.iinfo(np.int64).min
LATER = -0.01  # a later place in a list that people made themselves is a little less likely


@numba.njit(cache=True, nogil=True)
def put(b: int, row: int, item: int, worth: float, logit: float, pools: PoolArrays) -> None:
    """Append a title to row `row` of request `b`, unless the pool is full."""
    sizes, items, worths, logits = pools
    at = sizes[b, row]
    if at < items.shape[2]:
        items[b, row, at] = item
        worths[b, row, at] = worth
        logits[b, row, at] = logit
        sizes[b, row] = at + 1


@numba.njit(cache=True, nogil=True)
def verdict(kind: int, value: float, consumed: bool) -> int:
    """What an event says of its title: `WELCOME`, `REFUSED`, or 0 for neither."""
    if kind == RATING and value < LIKED_RATING:
        return REFUSED
    if consumed or kind in (UP, ADD):
        return WELCOME
    return REFUSED if kind in (DOWN, DISMISS) else 0


@numba.njit(cache=True, nogil=True)
def add_by_group(
    offsets: Int64s, items: Int32s, weights: Floats, group_offsets: UInt64s, groups: UInt32s, sums: Floats
) -> None:
    """Add the weight of each member's titles to the groups they belong to: `sums` (batch, groups)."""
    for b in range(len(offsets) - 1):
        for at in range(offsets[b], offsets[b + 1]):
            for k in range(group_offsets[items[at]], group_offsets[items[at] + 1]):
                sums[b, groups[k]] += weights[at]


@numba.njit(cache=True, nogil=True)
def fill_from_chart(
    chart: Int32s, chart_logits: Floats, fresh: Flags, worth: Floats, requests: Int64s, row: int, pools: PoolArrays
) -> None:
    """Append the fresh titles of a chart in its own order, for each of these requests."""
    capacity = pools.items.shape[2]
    for b in requests:
        for at in range(len(chart)):
            if fresh[b, chart[at]]:
                put(b, row, chart[at], worth[b, chart[at]], chart_logits[at], pools)
                if pools.sizes[b, row] == capacity:
                    break


@numba.njit(cache=True, nogil=True)
def walk_histories(
    events: Events,
    now: Int64s,
    allowed: Flags,
    fresh: Flags,
    worth: Floats,
    own: OwnWorths,
    slots: Own,
    pools: PoolArrays,
) -> None:
    """Walk each history from its latest event back; the latest word on a title decides.

    Fills the rows `slots` with titles that are `allowed` and not refused; clears `fresh` for what was played, rated,
    liked, refused, seen elsewhere or taken off the list within `own.removed`; nobody goes on with what they then saw
    elsewhere.
    """
    offsets, items, kinds, values, times, arrivals = events
    watched, listed = np.zeros(fresh.shape[1], np.bool_), np.zeros(fresh.shape[1], np.bool_)
    mood = np.zeros(fresh.shape[1], np.int8)
    for b in range(len(now)):
        for at in range(offsets[b + 1] - 1, offsets[b] - 1, -1):
            item, kind, age = items[at], kinds[at], now[b] - times[at]
            consumed = kind == RATING or (kind == PLAY and values[at] >= PLAYED)
            if mood[item] == 0:
                mood[item] = verdict(kind, values[at], consumed)
            if consumed or kind in (UP, SEEN) or mood[item] == REFUSED:
                fresh[b, item] = False
            offered = allowed[b, item] and mood[item] != REFUSED
            if kind in (ADD, REMOVE) and not listed[item]:
                listed[item] = True
                if kind == REMOVE and age <= own.removed:
                    fresh[b, item] = False
                if offered and kind == ADD:
                    value = max(own.listed, worth[b, item])
                    put(b, slots.listed, item, value, np.log(value) + LATER * pools.sizes[b, slots.listed], pools)
            elif kind == SEEN:
                watched[item] = True
            elif consumed and not watched[item]:
                watched[item] = True
                if offered and arrivals[at] > NEVER:
                    value = own.resume * 0.5 ** ((now[b] - arrivals[at]) / own.half_life)
                    put(b, slots.new, item, value, np.log(value), pools)
                elif offered and kind == PLAY and values[at] < FINISHED:
                    if age <= own.resumable:
                        value = own.resume * 0.5 ** (age / own.half_life)
                        put(b, slots.resume, item, value, np.log(value), pools)
                elif offered and values[at] >= FINISHED and age >= own.rewatchable:
                    logit = np.log(own.again) + LATER * pools.sizes[b, slots.again]
                    put(b, slots.again, item, own.again, logit, pools)
        for at in range(offsets[b], offsets[b + 1]):
            watched[items[at]] = listed[items[at]] = False
            mood[items[at]] = 0


@numba.njit(cache=True, nogil=True)
def fill_by_worth(
    fresh: Flags,
    worth: Floats,
    new_since: Int64s,
    new_until: Int64s,
    arrived: Int64s,
    nearest: Int32s,
    picked: Int32s,
    themes: ThemeArrays,
    slots: ByWorth,
    promoted: Flags,
    reserved: int,
    pools: PoolArrays,
) -> None:
    """Walk the fresh titles of each request by falling worth, and append each to every row it belongs to.

    The logits are left out. `new_since` and `new_until` (batch,): of which arrival a title is new, both included. Where
    titles are `promoted` (batch, titles; or without titles), they are walked first, for `reserved` places of a row.
    """
    sizes, members, worths, _ = pools
    n, n_about, capacity = fresh.shape[1], nearest.shape[1], members.shape[2]
    arrivals, because = slots.arrivals, slots.because
    order = np.empty(n, np.uint32)
    near = np.zeros(n, np.uint64)  # bit s: among the nearest of the title that row s is about
    held = np.empty((sizes.shape[1] + 1, capacity + 1), np.uint32)  # the last column takes what finds no room
    size_of = np.zeros(sizes.shape[1] + 1, np.uint32)  # the last stands for all rows not picked: it is always full
    row_of_theme = np.full(themes.n, sizes.shape[1], np.uint32)
    filled = np.append(np.array([slots.billboard, slots.picks, arrivals]), np.arange(because, sizes.shape[1]))
    for b in range(len(fresh)):
        _mark(nearest[b], near)
        for k in range(picked.shape[1]):
            row_of_theme[picked[b, k]] = because + n_about + k
        size_of[arrivals], size_of[because:-1], size_of[-1] = 0, 0, capacity
        size = descending(worth[b], fresh[b], order)
        first = put_first(promoted[b], order[:size])
        for at in range(size):
            item, room = order[at], reserved if at < first else capacity
            if new_since[b] <= arrived[item] <= new_until[b]:
                _append(item, arrivals, held, size_of, room)
            for s in range(n_about if near[item] else 0):
                if near[item] >> np.uint64(s) & np.uint64(1):
                    _append(item, because + s, held, size_of, room)
            for k in range(themes.offsets[item], themes.offsets[item + 1]):
                _append(item, row_of_theme[themes.themes[k]], held, size_of, room)
        for slot in (slots.billboard, slots.picks):
            ahead, kept = min(first, reserved), min(size - first + min(first, reserved), capacity)
            held[slot, :ahead] = order[:ahead]
            held[slot, ahead:kept] = order[first : first + kept - ahead]
            size_of[slot] = kept
        _keep(filled, size_of, held, worth[b], sizes[b], members[b], worths[b])
        for k in range(picked.shape[1]):
            row_of_theme[picked[b, k]] = sizes.shape[1]
        for item in nearest[b].flat:
            near[max(item, 0)] = np.uint64(0)


@numba.njit(cache=True, nogil=True)
def put_first(flags: Flags, order: UInt32s) -> int:
    """Move the titles of `order` that are flagged to its front, both parts in their order; returns how many there are.

    Without flags nothing moves.
    """
    if len(flags) == 0:
        return 0
    marked = flags[order]
    rest = order[~marked]
    flagged = order[marked]
    order[: len(flagged)], order[len(flagged) :] = flagged, rest
    return len(flagged)


@numba.njit(cache=True, nogil=True)
def _append(item: int, row: int, held: UInt32s, size_of: UInt32s, room: int) -> None:
    """Add a title to a row that has room. Without a branch: whether a row is full could not be foretold."""
    size = size_of[row]
    fits = size < room
    held[row, size if fits else held.shape[1] - 1] = item
    size_of[row] = size + fits


@numba.njit(cache=True, nogil=True)
def _keep(
    filled: Int64s, size_of: UInt32s, held: UInt32s, worth: Floats, sizes: Int32s, items: Int32s, worths: Floats
) -> None:
    """Write how long each row is that was filled, its titles and what they are worth."""
    for row in filled:
        sizes[row] = size_of[row]
        for at in range(size_of[row]):
            item = held[row, at]
            items[row, at], worths[row, at] = item, worth[item]


@numba.njit(cache=True, nogil=True)
def _mark(nearest: Int32s, near: np.ndarray) -> None:
    for s in range(nearest.shape[0]):
        for item in nearest[s]:
            if item >= 0:
                near[item] |= np.uint64(1) << np.uint64(s)
