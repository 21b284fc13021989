"""Compiled loops behind `rows.py`: one walk over each history, one walk over the titles by falling worth."""

from __future__ import annotations

from typing import TypeAlias

import numba
import numpy as np

from matinee.events import FINISHED, PLAYED, Kind
from matinee.maths.arrays import Doubles, Flags, Floats, Int8s, Int32s, Int64s
from matinee.maths.ordering import descending

PoolArrays: TypeAlias = tuple[Int32s, Int32s, Floats, Floats]  # sizes, items, worths, logits
HistoryArrays: TypeAlias = tuple[Int64s, Int32s, Int8s, Floats, Int64s]  # offsets, items, kinds, values, times

PLAY, RATING, ADD, REMOVE = int(Kind.PLAY), int(Kind.RATING), int(Kind.LIST_ADD), int(Kind.LIST_REMOVE)
UP, DOWN, DISMISS = int(Kind.THUMBS_UP), int(Kind.THUMBS_DOWN), int(Kind.DISMISS)
WELCOME, REFUSED = 1, 2
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
def verdict(kind: int, consumed: bool) -> int:
    """What an event says of its title: `WELCOME`, `REFUSED`, or 0 for neither."""
    if consumed or kind in (UP, ADD):
        return WELCOME
    return REFUSED if kind in (DOWN, DISMISS) else 0


@numba.njit(cache=True, nogil=True)
def add_by_group(
    offsets: Int64s, items: Int32s, weights: Floats, group_offsets: Int64s, groups: Int32s, sums: Floats
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
    capacity = pools[1].shape[2]
    for b in requests:
        for at in range(len(chart)):
            if fresh[b, chart[at]]:
                put(b, row, chart[at], worth[b, chart[at]], chart_logits[at], pools)
                if pools[0][b, row] == capacity:
                    break


@numba.njit(cache=True, nogil=True)
def walk_histories(
    events: HistoryArrays,
    now: Int64s,
    allowed: Flags,
    fresh: Flags,
    worth: Floats,
    row_worths: Doubles,
    ages: Doubles,
    slots: tuple[int, int, int],
    pools: PoolArrays,
) -> None:
    """Walk each history from its latest event back; the latest word on a title decides.

    Fills the rows `slots` = (continue watching, my list, watch it again) of titles that are `allowed` and not refused;
    clears `fresh` for what was played, rated, liked or refused. `row_worths` in the same order; `ages` in microseconds:
    how long a play may be resumed, after which it may be watched again, and the half-life of resuming.
    """
    offsets, items, kinds, values, times = events
    resume, on_list, again = slots
    watched, listed = np.zeros(fresh.shape[1], np.bool_), np.zeros(fresh.shape[1], np.bool_)
    mood = np.zeros(fresh.shape[1], np.int8)
    for b in range(len(now)):
        for at in range(offsets[b + 1] - 1, offsets[b] - 1, -1):
            item, kind, age = items[at], kinds[at], now[b] - times[at]
            consumed = kind == RATING or (kind == PLAY and values[at] >= PLAYED)
            if mood[item] == 0:
                mood[item] = verdict(kind, consumed)
            if consumed or kind == UP or mood[item] == REFUSED:
                fresh[b, item] = False
            offered = allowed[b, item] and mood[item] != REFUSED
            if kind in (ADD, REMOVE) and not listed[item]:
                listed[item] = True
                if offered and kind == ADD:
                    value = max(row_worths[1], worth[b, item])
                    put(b, on_list, item, value, np.log(value) + LATER * pools[0][b, on_list], pools)
            elif consumed and not watched[item]:
                watched[item] = True
                if offered and kind == PLAY and values[at] < FINISHED:
                    if age <= ages[0]:
                        value = row_worths[0] * 0.5 ** (age / ages[2])
                        put(b, resume, item, value, np.log(value), pools)
                elif offered and values[at] >= FINISHED and age >= ages[1]:
                    put(b, again, item, row_worths[2], np.log(row_worths[2]) + LATER * pools[0][b, again], pools)
        for at in range(offsets[b], offsets[b + 1]):
            watched[items[at]] = listed[items[at]] = False
            mood[items[at]] = 0


@numba.njit(cache=True, nogil=True)
def fill_by_worth(
    fresh: Flags,
    worth: Floats,
    new: tuple[Int64s, Int64s],
    arrived: Int64s,
    nearest: Int32s,
    picked: Int32s,
    theme_offsets: Int64s,
    themes: Int32s,
    n_themes: int,
    slots: tuple[int, int, int, int],
    pools: PoolArrays,
) -> None:
    """Walk the fresh titles of each request once, by falling worth, and append each to every row it belongs to.

    The logits are left out. `new` = (from, until) which arrival (batch,) a title is new, both included.

    `slots` = (billboard, top picks, new arrivals, first because you watched);
    the themes `picked` (batch, k) follow these.
    """
    sizes, members, worths, _ = pools
    n, n_seeds, first_seed, capacity = fresh.shape[1], nearest.shape[1], slots[3], members.shape[2]
    order = np.empty(n, np.int32)
    near = np.zeros(n, np.uint64)  # bit s: among the nearest of the title that row s is about
    size_of = np.zeros(sizes.shape[1] + 1, np.int64)  # the last stands for all rows not picked: it is always full
    row_of_theme = np.full(n_themes, sizes.shape[1], np.int64)
    filled = np.append(np.array(slots[:3]), np.arange(first_seed, sizes.shape[1]))
    for b in range(len(fresh)):
        _mark(nearest[b], near)
        for k in range(picked.shape[1]):
            row_of_theme[picked[b, k]] = first_seed + n_seeds + k
        titles_of, size_of[-1] = members[b], capacity
        size_of[slots[2]], size_of[first_seed:-1] = 0, 0
        size = descending(worth[b], fresh[b], order)
        for at in range(size):
            item = order[at]
            if new[0][b] <= arrived[item] <= new[1][b]:
                _append(item, slots[2], titles_of, size_of, capacity)
            for s in range(n_seeds if near[item] else 0):
                if near[item] >> np.uint64(s) & np.uint64(1):
                    _append(item, first_seed + s, titles_of, size_of, capacity)
            for k in range(theme_offsets[item], theme_offsets[item + 1]):
                _append(item, row_of_theme[themes[k]], titles_of, size_of, capacity)
        for slot in slots[:2]:
            size_of[slot] = min(size, capacity)
            titles_of[slot, : size_of[slot]] = order[: size_of[slot]]
        for row in filled:
            sizes[b, row] = size_of[row]
            for at in range(size_of[row]):
                item = titles_of[row, at]
                worths[b, row, at] = worth[b, item]
        for k in range(picked.shape[1]):
            row_of_theme[picked[b, k]] = sizes.shape[1]
        for item in nearest[b].flat:
            near[max(item, 0)] = np.uint64(0)


@numba.njit(cache=True, nogil=True)
def _append(item: int, row: int, titles_of: Int32s, size_of: Int64s, capacity: int) -> None:
    """Add a title to a row that is not full."""
    size = size_of[row]
    if size < capacity:
        titles_of[row, size] = item
        size_of[row] = size + 1


@numba.njit(cache=True, nogil=True)
def _mark(nearest: Int32s, near: np.ndarray) -> None:
    for s in range(nearest.shape[0]):
        for item in nearest[s]:
            if item >= 0:
                near[item] |= np.uint64(1) << np.uint64(s)
