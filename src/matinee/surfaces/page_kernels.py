"""Compiled loops behind `page_builder.py`: choose a row, fill it, account for what it satisfies, stage by stage."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s
from matinee.maths.sampling import draw, log_probs_of, mix
from matinee.surfaces.page_search import measure, plan, walk
from matinee.surfaces.page_types import Attention, Candidates, Choice, Page, Taste


@numba.njit(cache=True, nogil=True)
def build(
    candidates: Candidates, taste: Taste, attention: Attention, choice: Choice, n_titles: int, page: Page
) -> None:
    """Build, or when given follow, every page of the batch; fills `page`."""
    billboard, with_billboard, temperature, seeds, given, width, depth = choice
    rows, row_log_probs, values = page[0], page[3], page[5]
    n_rows, n_columns = candidates[0].shape[1], page[1].shape[2]
    used, taken = np.zeros(n_titles, np.bool_), np.zeros(n_rows, np.bool_)
    unmet, scratch, mass = np.empty(taste[2].shape[1]), np.empty(taste[2].shape[1]), np.empty(n_titles)
    gains, known = np.empty(n_rows), np.empty(n_rows)
    logits, planned = np.empty(n_rows, np.float32), np.empty(depth, np.int32)
    chosen, log_prob = np.empty(1, np.int64), np.zeros(1)
    for b in range(len(rows)):
        add_up(taste[0], taste[1], taste[2][b], mass)
        used[:], taken[:], unmet[:], planned[:] = False, False, taste[2][b], -1
        taken[billboard], known[:] = True, np.inf
        first = 1 if with_billboard and candidates[0][b, billboard] > 0 else 0
        for position in range(rows.shape[1]):
            seed = mix(seeds[b], np.uint64(position))
            columns, log_prob[0] = n_columns, 0.0
            if position < first:
                row, columns = billboard, 1
                possible = not given or rows[b, position] == billboard
            else:
                if position == first and width > 1 and temperature <= 0.0:
                    plan(
                        b,
                        first,
                        width,
                        n_columns,
                        candidates,
                        taste,
                        attention,
                        mass,
                        used,
                        taken,
                        unmet,
                        known,
                        planned[: rows.shape[1] - first],
                    )
                if position - first < depth and planned[position - first] >= 0:
                    row, possible = planned[position - first], True
                else:
                    measure(b, position, candidates, taste, attention, mass, used, taken, unmet, scratch, known, gains)
                    row, possible = choose(rows[b, position], given, gains, temperature, seed, logits, chosen, log_prob)
                if row < 0 and possible:
                    break
            if not possible:
                row_log_probs[b, position] = -np.inf
                break
            rows[b, position], taken[row], row_log_probs[b, position] = row, True, log_prob[0]
            fill(b, row, position, columns, candidates, temperature, mix(seed, np.uint64(1)), given, used, page)
            gain, _ = walk(
                page[1][b, position], page[2][b, position], shown(page[1][b, position]), True, candidates[5][b, row],
                n_columns, attention[0][position], attention[1], taste[0], taste[1], mass, used, unmet,
            )  # fmt: skip
            values[b] += gain


@numba.njit(cache=True, nogil=True)
def add_up(offsets: Int64s, genres: Int32s, pi: Doubles, mass: Doubles) -> None:
    """`mass` (titles,): the sum of pi over each title's genres."""
    for item in range(len(mass)):
        mass[item] = pi[-1] if offsets[item] == offsets[item + 1] else 0.0
        for k in range(offsets[item], offsets[item + 1]):
            mass[item] += pi[genres[k]]


@numba.njit(cache=True, nogil=True)
def choose(
    wanted: int,
    given: bool,
    gains: Doubles,
    temperature: float,
    seed: np.uint64,
    logits: Floats,
    chosen: Int64s,
    log_prob: Doubles,
) -> tuple[int, bool]:
    """Draw a row from log(gain), or check the `wanted` one when given: the row (-1 for none), and is it possible.

    Writes the row's log-probability into `log_prob`.
    """
    offered = 0
    for row in range(len(gains)):
        logits[row] = np.log(gains[row]) if gains[row] > 0.0 else -np.inf
        offered += gains[row] > 0.0
    chosen[0] = wanted
    if not given and draw(logits, len(logits), 1, temperature, seed, chosen) == 0:
        chosen[0] = -1
    if chosen[0] < 0:
        return -1, offered == 0
    if gains[chosen[0]] <= 0.0:
        return chosen[0], False
    log_probs_of(logits, len(logits), chosen, 1, temperature, log_prob)
    return chosen[0], True


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
def shown(items: Int32s) -> int:
    """How many places of a row are filled; the empty ones come last."""
    count = 0
    while count < len(items) and items[count] >= 0:
        count += 1
    return count


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
