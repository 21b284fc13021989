"""Compiled loops of the dials that look at what stands before: rows and titles less alike, and a mix of genres."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Int32s, Int64s
from matinee.maths.exponentials import exp
from matinee.maths.in_turn import add_groups, divergence, draw_in_turn
from matinee.maths.sampling import draw, log_probs_of, mix
from matinee.surfaces.pages.types import Attention, Candidates, Page, Tally, Turned


@numba.njit(cache=True, nogil=True)
def begin_tally(candidates: Candidates, attention: Attention, turned: Turned) -> Tally:
    """Nothing stands yet; each row promises the genres of the first titles of its pool."""
    n_rows, n_groups = len(candidates.sizes), len(turned.pull.wanted)
    promised = np.zeros((n_rows if turned.on else 0, n_groups))
    for row in range(len(promised)):
        for at in range(min(candidates.sizes[row], attention.measured)):
            add_groups(candidates.items[row, at], attention.of_column[at], turned.groups, promised[row])
    return Tally(np.zeros(n_groups), promised, np.zeros(n_rows))


@numba.njit(cache=True, nogil=True)
def lean(gains: Doubles, of_row: float, attention: Attention, turned: Turned, tally: Tally) -> None:
    """Lower the `gains` (rows,) of rows by e to what likeness to rows above and the mix of genres cost them."""
    pull, mass = turned.pull, of_row * attention.of_column[: attention.measured].sum()
    costs, least, scratch = np.zeros(len(gains)), np.inf, np.empty(len(pull.wanted))
    for row in range(len(gains)):
        if gains[row] > 0.0:
            costs[row] = pull.diversity * tally.nearest[row]
            if pull.calibration > 0.0:
                after = tally.shown + of_row * tally.promised[row]
                costs[row] += pull.calibration / mass * divergence(pull.wanted, after, after.sum(), scratch)
            least = min(least, costs[row])
    for row in range(len(gains)):
        if gains[row] > 0.0:
            gains[row] *= exp(least - costs[row])


@numba.njit(cache=True, nogil=True)
def fill_in_turn(
    row: int,
    position: int,
    columns: int,
    candidates: Candidates,
    attention: Attention,
    turned: Turned,
    given: bool,
    temperature: float,
    seed: np.uint64,
    used: Flags,
    page: Page,
    tally: Tally,
) -> int:
    """As `kernels.fill`, the titles on the first screens drawn one after the other; those beyond by worth alone."""
    items, worths = candidates.items[row], candidates.worths[row]
    shown, shown_worths, log_probs = page.items[position], page.worths[position], page.item_log_probs[position]
    free = np.flatnonzero(~used[items[: candidates.sizes[row]]])
    titles, logits, chosen = items[free], candidates.logits[row][free], np.empty(columns, np.int64)
    drawn = min(columns, len(free))
    page.among_titles[position] = len(free)
    if given and places_of(shown, titles, chosen) != drawn:
        log_probs[0] = -np.inf
        return 0
    first = min(drawn, attention.measured)
    places = attention.of_row[position] * attention.of_column[:first]
    draw_in_turn(
        logits, titles, turned.pull, turned.groups, tally.shown, places, temperature, mix(seed, np.uint64(1)),
        given, chosen[:first], log_probs[:first],
    )  # fmt: skip
    if first < drawn and not np.isinf(log_probs[:first]).any():
        logits[chosen[:first]] = -np.inf
        if not given:
            draw(logits, len(logits), drawn - first, temperature, mix(seed, np.uint64(2)), chosen[first:])
        if given or temperature > 0.0:
            log_probs_of(logits, len(logits), chosen[first:], drawn - first, temperature, log_probs[first:])
    for column in range(drawn):
        at = chosen[column]
        shown[column], shown_worths[column] = titles[at], worths[free[at]]
        used[titles[at]] = True
    return drawn


@numba.njit(cache=True, nogil=True)
def places_of(shown: Int32s, titles: Int32s, chosen: Int64s) -> int:
    """Where each given title stands among the open ones; returns how many were given, or -1 when one is not there."""
    count = 0
    while count < len(shown) and shown[count] >= 0:
        if count == len(chosen):
            return -1
        chosen[count] = -1
        for at in range(len(titles)):
            if titles[at] == shown[count]:
                chosen[count] = at
        if chosen[count] < 0:
            return -1
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def count_row(
    position: int, size: int, in_turn: bool, attention: Attention, turned: Turned, page: Page, tally: Tally
) -> None:
    """Take the row just shown, of `size` titles, into the tally; what was drawn `in_turn` is in its `shown` already."""
    own = np.zeros(len(tally.shown))
    for column in range(min(size, attention.measured)):
        add_groups(page.items[position, column], attention.of_column[column], turned.groups, own)
    if not in_turn:
        tally.shown[:] += attention.of_row[position] * own
    length = np.sqrt((own * own).sum())
    for other in range(len(tally.promised)):
        lengths = length * np.sqrt((tally.promised[other] * tally.promised[other]).sum())
        if lengths > 0.0:
            tally.nearest[other] = max(tally.nearest[other], (own * tally.promised[other]).sum() / lengths)
