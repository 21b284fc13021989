"""Beam search for the first rows of a page: several partial pages are kept, and the best of them goes on."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Int32s
from matinee.surfaces.pages.types import Above, Attention, Candidates, Row, Taste

SHORTLIST = 16  # rows measured and offered at a place of the page
SURE = 0.5  # no single title satisfies a taste more surely than this


@numba.njit(cache=True, nogil=True)
def plan(
    first: int,
    width: int,
    n_columns: int,
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    above: Above,
    rows: Int32s,
) -> None:
    """Write the candidate rows for the positions `first`, `first` + 1, ... into `rows`, -1 where none can stand.

    `above` is the page so far; it is not changed. `width` partial pages are kept; rows are filled in the order of their
    pools, as at temperature 0.
    """
    depth, n_rows = len(rows), len(above.taken)
    states, next_states = room_for(width, above), room_for(width, above)
    planned, next_planned = np.full((width, depth), -1, np.int32), np.full((width, depth), -1, np.int32)
    gains, values, next_values = np.empty(n_rows), np.zeros(width), np.zeros(width)
    parents, choices = np.empty(width, np.int32), np.empty(width, np.int32)
    enter(states, 0, above)
    kept = 1
    for step in range(depth):
        found = 0
        # Of every partial page with every row that could come next, the best `width` continuations.
        for state in range(kept):
            measure(first + step, candidates, taste, attention, one_of(states, state), gains)
            for row in range(n_rows):
                if gains[row] > 0.0:
                    found = keep(values[state] + gains[row], state, row, found, next_values, parents, choices)
        if found == 0:
            break
        # Each of them becomes a partial page of its own: its parent's copy with the new row put on it.
        for state in range(found):
            row, parent, page = choices[state], parents[state], one_of(next_states, state)
            enter(next_states, state, one_of(states, parent))
            items, size, repeats = candidates.items[row], candidates.sizes[row], candidates.repeats[row]
            pool = Row(items, candidates.worths[row], size, repeats, repeats)
            gain, _ = walk(
                pool, n_columns, attention.of_row[first + step], attention.of_column, taste, page.used, page.unmet
            )
            mark(items, size, repeats, n_columns, page.used)
            next_planned[state], page.taken[row] = planned[parent], True
            next_planned[state, step], next_values[state] = row, values[parent] + gain
        states, next_states, planned, next_planned = next_states, states, next_planned, planned
        values, next_values, kept = next_values, values, found
    rows[:] = planned[np.argmax(values[:kept])]


@numba.njit(cache=True, nogil=True)
def room_for(width: int, above: Above) -> Above:
    """Arrays for `width` partial pages."""
    return Above(
        np.empty((width, len(above.used)), np.bool_),
        np.empty((width, len(above.taken)), np.bool_),
        np.empty((width, len(above.unmet))),
        np.empty((width, len(above.known))),
    )


@numba.njit(cache=True, nogil=True)
def one_of(states: Above, state: int) -> Above:
    """One of several partial pages; what is written to it is written to them."""
    return Above(states.used[state], states.taken[state], states.unmet[state], states.known[state])


@numba.njit(cache=True, nogil=True)
def enter(states: Above, state: int, above: Above) -> None:
    """Copy a partial page to place `state` of several."""
    states.used[state], states.taken[state] = above.used, above.taken
    states.unmet[state], states.known[state] = above.unmet, above.known


@numba.njit(cache=True, nogil=True)
def keep(
    value: float, state: int, row: int, found: int, best_values: Doubles, best_parents: Int32s, best_rows: Int32s
) -> int:
    """Insert one continuation into the best found so far, falling by value; returns how many there are."""
    at = found
    while at > 0 and best_values[at - 1] < value:
        if at < len(best_values):
            best_values[at], best_parents[at] = best_values[at - 1], best_parents[at - 1]
            best_rows[at] = best_rows[at - 1]
        at -= 1
    if at < len(best_values):
        best_values[at], best_parents[at], best_rows[at] = value, state, row
    return min(found + 1, len(best_values))


@numba.njit(cache=True, nogil=True)
def measure(
    position: int, candidates: Candidates, taste: Taste, attention: Attention, above: Above, gains: Doubles
) -> None:
    """Write what candidate rows would add at `position` into `gains` (rows,), 0 for those not offered.

    Only the `SHORTLIST` rows that were best when last measured are measured anew, and offered; the next as many when
    none of them can stand.
    """
    sizes, minimum, items, worths, _, repeats = candidates
    used, taken, unmet, known = above
    scratch = np.empty(len(unmet))
    of_row, of_column, columns = attention.of_row[position], attention.of_column, attention.measured
    gains[:] = 0.0
    offered = 0
    while offered == 0:
        least = shortlisted(known, taken, sizes)
        if least <= 0.0:
            break
        for row in range(len(taken)):
            if not taken[row] and sizes[row] > 0 and known[row] >= least:
                scratch[:] = unmet
                pool = Row(items[row], worths[row], sizes[row], repeats[row], repeats[row])
                gain, filled = walk(pool, columns, of_row, of_column, taste, used, scratch)
                gains[row] = gain if filled >= min(minimum[row], columns) else 0.0
                known[row] = gains[row] / of_row
                offered += gains[row] > 0.0


@numba.njit(cache=True, nogil=True)
def shortlisted(known: Doubles, taken: Flags, sizes: Int32s) -> float:
    """The `SHORTLIST`-th largest bound of the rows that may still stand, or the least above 0; 0 when there is none."""
    largest, found = np.zeros(SHORTLIST), 0
    for row in range(len(known)):
        if taken[row] or sizes[row] == 0 or known[row] <= largest[-1]:
            continue
        at = min(found, SHORTLIST - 1)
        while at > 0 and largest[at - 1] < known[row]:
            largest[at] = largest[at - 1]
            at -= 1
        largest[at] = known[row]
        found += 1
    return float(largest[max(min(found, SHORTLIST) - 1, 0)])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def walk(
    row: Row, columns: int, of_row: float, of_column: Doubles, taste: Taste, used: Flags, unmet: Doubles
) -> tuple[float, int]:
    """Put the first `columns` open titles of a row side by side: what they add, and how many there are.

    Each satisfies each of its genres with probability P(looked at) * min(SURE, worth / mass), with pi summed over them
    for its mass, and lowers `unmet`.
    """
    gain, filled = 0.0, 0
    for at in range(row.size):
        item = row.items[at]
        if used[item] and not row.repeats:
            continue
        looked = of_row * of_column[filled]
        if row.own:
            gain += looked * row.worths[at]
        else:
            start, end = taste.offsets[item], taste.offsets[item + 1]
            mass, added = taste.pi[-1] if start == end else 0.0, 0.0
            for k in range(start, end):
                mass += taste.pi[taste.genres[k]]
            chance = looked * min(SURE, row.worths[at] * (1.0 / mass))
            for k in range(start, end):
                satisfied = unmet[taste.genres[k]] * chance
                unmet[taste.genres[k]] -= satisfied
                added += satisfied
            if start == end:
                added = unmet[-1] * chance
                unmet[-1] -= added
            gain += added
        filled += 1
        if filled == columns:
            break
    return gain, filled


@numba.njit(cache=True, nogil=True)
def mark(items: Int32s, size: int, repeats: bool, columns: int, used: Flags) -> None:
    """Mark the first `columns` open titles of a row as used."""
    filled = 0
    for at in range(size):
        if repeats or not used[items[at]]:
            used[items[at]] = True
            filled += 1
            if filled == columns:
                break
