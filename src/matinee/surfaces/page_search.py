"""Beam search for the first rows of a page: several partial pages are kept, and the best of them goes on."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s
from matinee.surfaces.page_types import Attention, Candidates, Taste

SHORTLIST = 16  # rows measured and offered at a place of the page
SURE = 0.5  # no single title satisfies a taste more surely than this


@numba.njit(cache=True, nogil=True)
def plan(
    b: int,
    first: int,
    width: int,
    n_columns: int,
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    mass: Doubles,
    used: Flags,
    taken: Flags,
    unmet: Doubles,
    known: Doubles,
    rows: Int32s,
) -> None:
    """Write the candidate rows for the positions `first`, `first` + 1, ... into `rows`, -1 where none can stand.

    `used` (titles,), `taken` and `known` (candidate rows,), `unmet` (genres + 1,) describe the page above; unchanged.
    `width` partial pages are kept; rows are filled in the order of their pools, as at temperature 0.
    """
    depth, n_rows = len(rows), len(taken)
    all_used, all_taken = np.empty((2, width, len(used)), np.bool_), np.empty((2, width, n_rows), np.bool_)
    all_unmet, all_known = np.empty((2, width, len(unmet))), np.empty((2, width, n_rows))
    values = np.zeros((2, width))
    planned = np.full((2, width, depth), -1, np.int32)
    all_used[0, 0], all_taken[0, 0], all_unmet[0, 0], all_known[0, 0] = used, taken, unmet, known
    scratch, gains = np.empty(len(unmet)), np.empty(n_rows)
    best_values, best_parents, best_rows = np.empty(width), np.empty(width, np.int32), np.empty(width, np.int32)
    kept, now = 1, 0
    for step in range(depth):
        found = 0
        for state in range(kept):
            measure(b, first + step, candidates, taste, attention, mass, all_used[now, state], all_taken[now, state],
                    all_unmet[now, state], scratch, all_known[now, state], gains)  # fmt: skip
            for row in range(n_rows):
                if gains[row] > 0.0:
                    total = values[now, state] + gains[row]
                    found = keep(total, state, row, found, best_values, best_parents, best_rows)
        if found == 0:
            break
        new = 1 - now
        for state in range(found):
            parent, row = best_parents[state], best_rows[state]
            all_used[new, state], all_taken[new, state] = all_used[now, parent], all_taken[now, parent]
            all_unmet[new, state], planned[new, state] = all_unmet[now, parent], planned[now, parent]
            all_known[new, state] = all_known[now, parent]
            planned[new, state, step], all_taken[new, state, row] = row, True
            items, size, repeats = candidates[2][b, row], candidates[0][b, row], candidates[5][b, row]
            gain, _ = walk(
                items, candidates[3][b, row], size, repeats, repeats, n_columns, attention[0][first + step],
                attention[1], taste[0], taste[1], mass, all_used[new, state], all_unmet[new, state],
            )  # fmt: skip
            mark(items, size, repeats, n_columns, all_used[new, state])
            values[new, state] = values[now, parent] + gain
        kept, now = found, new
    rows[:] = planned[now, np.argmax(values[now, :kept])]


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
    b: int,
    position: int,
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    mass: Doubles,
    used: Flags,
    taken: Flags,
    unmet: Doubles,
    scratch: Doubles,
    known: Doubles,
    gains: Doubles,
) -> None:
    """Write what candidate rows would add at `position` into `gains` (rows,), 0 for those not offered.

    `known` (rows,) are the gains per row attention when last measured, infinite at first. Only the `SHORTLIST` rows
    that were best then are measured anew, and offered; the next as many when none of them can stand.
    """
    sizes, minimum, repeats = candidates[0][b], candidates[1][b], candidates[5][b]
    items, worths = candidates[2][b], candidates[3][b]
    of_row, of_column, columns = attention[0][position], attention[1], attention[2]
    gains[:] = 0.0
    offered = 0
    while offered == 0:
        least = shortlisted(known, taken, sizes)
        if least <= 0.0:
            break
        for row in range(len(taken)):
            if not taken[row] and sizes[row] > 0 and known[row] >= least:
                for genre in range(len(unmet)):
                    scratch[genre] = unmet[genre]
                gain, filled = walk(
                    items[row], worths[row], sizes[row], repeats[row], repeats[row], columns, of_row, of_column,
                    taste[0], taste[1], mass, used, scratch,
                )  # fmt: skip
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


@numba.njit(cache=True, nogil=True)
def walk(
    items: Int32s,
    worths: Floats,
    size: int,
    repeats: bool,
    own: bool,
    columns: int,
    of_row: float,
    of_column: Doubles,
    offsets: Int64s,
    genres: Int32s,
    mass: Doubles,
    used: Flags,
    unmet: Doubles,
) -> tuple[float, int]:
    """Put the first `columns` open titles of a row side by side: what they add, and how many there are.

    Each satisfies each of its genres with probability P(looked at) * min(SURE, worth / mass). `unmet` (genres + 1): pi
    times the probability that a member of this taste is not satisfied so far; lowered. `repeats`: used titles are open.
    `own`: the member chose these titles, so they add P(looked at) * worth, whatever stands above.
    """
    gain, filled = 0.0, 0
    for at in range(size):
        item = items[at]
        if used[item] and not repeats:
            continue
        chance = of_row * of_column[filled] * min(SURE, worths[at] / mass[item])
        if own:
            gain += of_row * of_column[filled] * worths[at]
        elif offsets[item] == offsets[item + 1]:
            gain += unmet[-1] * chance
            unmet[-1] -= unmet[-1] * chance
        for k in range(offsets[item], offsets[item] if own else offsets[item + 1]):
            satisfied = unmet[genres[k]] * chance
            unmet[genres[k]] -= satisfied
            gain += satisfied
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
