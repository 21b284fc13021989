"""Compiled loops behind `page_builder.py`: choose a row, fill it, account for what it satisfies, stage by stage."""

from __future__ import annotations

from typing import TypeAlias

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s, UInt64s
from matinee.maths.sampling import draw, log_probs_of, mix

Candidates: TypeAlias = tuple[Int32s, Int32s, Int32s, Floats, Floats, Flags]
"""sizes, minimum (batch, rows); items, worths, logits (batch, rows, pool); repeats allowed (batch, rows)"""
Taste: TypeAlias = tuple[Int64s, Int32s, Doubles]
"""title -> genres as offsets and values; pi (batch, genres + 1)"""
Attention: TypeAlias = tuple[Doubles, Doubles, int]
"""P(row looked at); P(column looked at | row); columns on which a row's gain is measured"""
Choice: TypeAlias = tuple[int, bool, float, UInt64s, bool]
"""the billboard's candidate row; is there one; temperature; seeds (batch,); is the page given"""
Page: TypeAlias = tuple[Int32s, Int32s, Floats, Doubles, Doubles, Doubles]
"""rows, items, worths, row log-probabilities, item log-probabilities, values: see `page_builder.Built`"""


@numba.njit(cache=True, nogil=True)
def build(
    candidates: Candidates, taste: Taste, attention: Attention, choice: Choice, n_titles: int, page: Page
) -> None:
    """Build, or when given follow, every page of the batch; fills `page`."""
    billboard, with_billboard, temperature, seeds, given = choice
    rows, row_log_probs, values = page[0], page[3], page[5]
    n_rows, pool = candidates[2].shape[1:]
    used, taken = np.zeros(n_titles, np.bool_), np.zeros(n_rows, np.bool_)
    unmet, scratch, mass = np.empty(taste[2].shape[1]), np.empty(taste[2].shape[1]), np.empty(n_titles)
    following = np.empty((n_rows, pool + 1), np.int32)
    logits, chosen, log_prob = np.empty(n_rows, np.float32), np.empty(1, np.int64), np.empty(1)
    for b in range(len(rows)):
        start(taste[0], taste[1], taste[2][b], mass, following)
        used[:], taken[:], unmet[:] = False, False, taste[2][b]
        taken[billboard] = True
        for position in range(rows.shape[1]):
            seed = mix(seeds[b], np.uint64(position))
            if position == 0 and with_billboard and candidates[0][b, billboard] > 0:
                row, columns, log_prob[0] = billboard, 1, 0.0
                possible = not given or rows[b, 0] == billboard
            else:
                columns = page[1].shape[2]
                offered = gains(
                    b, position, candidates, taste, attention, mass, used, taken, following, unmet, scratch, logits
                )
                if given:
                    chosen[0] = rows[b, position]
                elif draw(logits, n_rows, 1, temperature, seed, chosen) == 0:
                    chosen[0] = -1
                row = chosen[0]
                possible = logits[row] > -np.inf if row >= 0 else offered == 0
                if row < 0 and possible:
                    break
                if possible:
                    log_probs_of(logits, n_rows, chosen, 1, temperature, log_prob)
            if not possible:
                row_log_probs[b, position] = -np.inf
                break
            rows[b, position], taken[row] = row, True
            row_log_probs[b, position] = log_prob[0]
            fill(b, row, position, columns, candidates, temperature, mix(seed, np.uint64(1)), given, used, page)
            values[b] += settle(b, position, taste, attention, mass, unmet, page)


@numba.njit(cache=True, nogil=True)
def start(offsets: Int64s, genres: Int32s, pi: Doubles, mass: Doubles, following: Int32s) -> None:
    """Prepare a request: `mass` (titles,) = sum of pi over each title's genres; every pool entry follows the last."""
    for item in range(len(mass)):
        mass[item] = pi[-1] if offsets[item] == offsets[item + 1] else 0.0
        for k in range(offsets[item], offsets[item + 1]):
            mass[item] += pi[genres[k]]
    for row in range(len(following)):
        for at in range(following.shape[1]):
            following[row, at] = at


@numba.njit(cache=True, nogil=True)
def gains(
    b: int,
    position: int,
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    mass: Doubles,
    used: Flags,
    taken: Flags,
    following: Int32s,
    unmet: Doubles,
    scratch: Doubles,
    logits: Floats,
) -> int:
    """Write log(gain at `position`) of every candidate row, -inf for those that cannot stand; returns how many can.

    `following[row]` links the pool entries that are still open: the first one, then the next after each entry `at` at
    `at + 1`. Entries found used are unlinked, so that each is passed over once only.
    """
    sizes, minimum, items, worths, _, repeats = candidates
    offsets, genres, _ = taste
    of_row, of_column, columns = attention
    offered = 0
    for row in range(len(taken)):
        logits[row] = -np.inf
        if not taken[row] and sizes[b, row] > 0:
            scratch[:] = unmet
            gain, filled, before = 0.0, 0, 0
            at = following[row, 0]
            while at < sizes[b, row] and filled < columns:
                item = items[b, row, at]
                if used[item] and not repeats[b, row]:
                    following[row, before] = following[row, at + 1]
                else:
                    looked = of_row[position] * of_column[filled]
                    gain += place(item, looked * min(1.0, worths[b, row, at] / mass[item]), offsets, genres, scratch)
                    filled += 1
                    before = at + 1
                at = following[row, at + 1]
            if gain > 0.0 and filled >= min(minimum[b, row], columns):
                logits[row] = np.log(gain)
                offered += 1
    return offered


@numba.njit(cache=True, nogil=True, inline="always")
def place(item: int, chance: float, offsets: Int64s, genres: Int32s, unmet: Doubles) -> float:
    """Put a title where it satisfies each of its genres with probability `chance`; returns its gain.

    `unmet` (genres + 1): pi times the probability that a member of this taste is not satisfied so far; lowered.
    """
    first, end = offsets[item], offsets[item + 1]
    gain = 0.0
    if first == end:
        gain = unmet[-1] * chance
        unmet[-1] -= gain
    for k in range(first, end):
        satisfied = unmet[genres[k]] * chance
        unmet[genres[k]] -= satisfied
        gain += satisfied
    return gain


@numba.njit(cache=True, nogil=True)
def fill(
    b: int,
    row: int,
    position: int,
    columns: int,
    candidates: Candidates,
    temperature: float,
    seed: np.uint64,
    given: bool,
    used: Flags,
    page: Page,
) -> None:
    """Draw the row's titles from those not shown above, or follow the given ones; -inf where they could not be."""
    sizes, _, items, worths, logits, repeats = candidates
    shown, log_probs = page[1][b, position], page[4][b, position]
    open_at, open_logits = np.empty(sizes[b, row], np.int64), np.empty(sizes[b, row], np.float32)
    size = 0
    for at in range(sizes[b, row]):
        if repeats[b, row] or not used[items[b, row, at]]:
            open_at[size], open_logits[size] = at, logits[b, row, at]
            size += 1
    chosen = np.empty(columns, np.int64)
    if given:
        drawn = find(shown, items[b, row], open_at[:size], chosen)
        if drawn != min(columns, size):
            log_probs[0] = -np.inf
            return
    else:
        drawn = draw(open_logits, size, columns, temperature, seed, chosen)
    if given or temperature > 0.0:
        log_probs_of(open_logits, size, chosen, drawn, temperature, log_probs)
    for column in range(drawn):
        at = open_at[chosen[column]]
        shown[column] = items[b, row, at]
        page[2][b, position, column] = worths[b, row, at]
        used[shown[column]] = True


@numba.njit(cache=True, nogil=True)
def find(shown: Int32s, items: Int32s, open_at: Int64s, chosen: Int64s) -> int:
    """Where in the open pool each given title stands; returns how many were given, or -1 when one is not there."""
    count = 0
    for item in shown:
        if item < 0:
            break
        if count == len(chosen):
            return -1
        chosen[count] = -1
        for k in range(len(open_at)):
            if items[open_at[k]] == item:
                chosen[count] = k
        if chosen[count] < 0:
            return -1
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def settle(
    b: int, position: int, taste: Taste, attention: Attention, mass: Doubles, unmet: Doubles, page: Page
) -> float:
    """Account for a filled row: lowers `unmet` by what its titles satisfy and returns its gain."""
    gain = 0.0
    for column in range(page[1].shape[2]):
        item = page[1][b, position, column]
        if item < 0:
            break
        looked = attention[0][position] * attention[1][column]
        chance = looked * min(1.0, page[2][b, position, column] / mass[item])
        gain += place(item, chance, taste[0], taste[1], unmet)
    return gain


@numba.njit(cache=True, nogil=True)
def add_shares(
    offsets: Int64s, items: Int32s, weights: Floats, genre_offsets: Int64s, genres: Int32s, pi: Doubles
) -> None:
    """Add each member's titles to `pi` (batch, genres + 1), every title shared equally by its genres."""
    for b in range(len(offsets) - 1):
        for at in range(offsets[b], offsets[b + 1]):
            start, end = genre_offsets[items[at]], genre_offsets[items[at] + 1]
            for k in range(start, end):
                pi[b, genres[k]] += weights[at] / (end - start)
            if start == end:
                pi[b, -1] += weights[at]
