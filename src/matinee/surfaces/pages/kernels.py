"""Compiled loops behind `builder.py`: choose a row, fill it, account for what it satisfies, stage by stage."""

from __future__ import annotations

import numba
import numpy as np

from matinee.maths.arrays import Doubles, Flags, Floats, Int32s, Int64s, UInt32s, UInt64s
from matinee.maths.in_turn import Pull
from matinee.maths.sampling import draw, log_probs_of, mix
from matinee.maths.shares import Shares, draw_with_shares
from matinee.surfaces.pages.search import measure, plan, walk
from matinee.surfaces.pages.turned_kernels import begin_tally, count_row, fill_in_turn, lean, places_of
from matinee.surfaces.pages.types import Above, Attention, Candidates, Chance, Choice, Page, Row, Tally, Taste, Turned


@numba.njit(cache=True, nogil=True)
def build(
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    choice: Choice,
    chance: Chance,
    turned: Turned,
    promoted: Shares,
    seeds: UInt64s,
    page: Page,
) -> Doubles:
    """Build, or when given follow, every page of the batch (a first axis of all arrays but those of `attention`, of the
    titles' genres and of the shares themselves).

    Fills `page`; returns the value V of each.
    """
    sizes, minimum, items, worths, logits, repeats = candidates
    pull = turned.pull
    values = np.zeros(len(seeds))
    for b in range(len(seeds)):
        values[b] = build_one(
            Candidates(sizes[b], minimum[b], items[b], worths[b], logits[b], repeats[b]),
            Taste(taste.offsets, taste.genres, taste.pi[b]),
            attention,
            choice,
            Chance(chance.rows, chance.at, chance.row, chance.fresh[b], chance.worth[b]),
            Turned(
                turned.on,
                Pull(pull.diversity, pull.calibration, pull.wanted[b]),
                turned.groups,
                turned.ordered[b],
            ),
            Shares(promoted.shares, promoted.groups[b], promoted.had[b]),
            seeds[b],
            Page(
                page.rows[b],
                page.items[b],
                page.worths[b],
                page.row_log_probs[b],
                page.item_log_probs[b],
                page.among_rows[b],
                page.among_titles[b],
            ),
        )
    return values


@numba.njit(cache=True, nogil=True)
def build_one(
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    choice: Choice,
    chance: Chance,
    turned: Turned,
    promoted: Shares,
    seed: np.uint64,
    page: Page,
) -> float:
    """Build or follow one page; returns its value V."""
    n_rows, columns, value = len(candidates.sizes), page.items.shape[1], 0.0
    above = _nothing_above(taste, n_rows)
    gains, planned = np.empty(n_rows), np.full(len(page.rows), -1, np.int32)
    tally = begin_tally(candidates, attention, turned)
    above.taken[choice.billboard] = True
    first = 1 if choice.with_billboard and candidates.sizes[choice.billboard] > 0 else 0
    for position in range(len(page.rows)):
        own_seed = mix(seed, np.uint64(position))
        temperature = choice.temperature if position < chance.rows else 0.0
        by_chance = position == chance.at and open_titles(chance.fresh, above.used) >= candidates.minimum[chance.row]
        # The row: by chance, the billboard, or else one that the beam planned or that is drawn by what rows would add.
        if by_chance or position < first:
            row = chance.row if by_chance else choice.billboard
            possible, log_prob, among = not choice.given or page.rows[position] == row, 0.0, 1
        else:
            if position == max(first, chance.rows):
                plan_from(position, columns, candidates, taste, attention, choice, chance.at, above, planned)
            row, possible, log_prob, among = next_row(
                position, planned[position], page.rows[position], candidates, taste, attention, turned, choice.given,
                temperature, own_seed, above, tally, gains,
            )  # fmt: skip
        if row < 0 and possible:
            break
        if not possible:
            page.row_log_probs[position] = -np.inf
            break
        # Its titles, and what is left to satisfy below it.
        page.rows[position], above.taken[row], page.row_log_probs[position] = row, True, log_prob
        page.among_rows[position] = among
        wide = 1 if position < first else columns
        shown = fill_place(
            row, position, wide, by_chance, candidates, attention, chance, turned, promoted, choice.given,
            temperature, own_seed, above.used, page, tally,
        )  # fmt: skip
        # What was just shown counts as open (`repeats`): it is marked as used already.
        put = Row(page.items[position], page.worths[position], shown, True, candidates.repeats[row])
        gain, _ = walk(put, columns, attention.of_row[position], attention.of_column, taste, above.used, above.unmet)
        value += gain
    return value


@numba.njit(cache=True, nogil=True)
def _nothing_above(taste: Taste, rows: int) -> Above:
    used, taken = np.zeros(len(taste.offsets) - 1, np.bool_), np.zeros(rows, np.bool_)
    return Above(used, taken, taste.pi.copy(), np.full(rows, np.inf))


@numba.njit(cache=True, nogil=True)
def fill_place(
    row: int,
    position: int,
    columns: int,
    by_chance: bool,
    candidates: Candidates,
    attention: Attention,
    chance: Chance,
    turned: Turned,
    promoted: Shares,
    given: bool,
    temperature: float,
    seed: np.uint64,
    used: Flags,
    page: Page,
    tally: Tally,
) -> int:
    """Fill a place by chance, in turn where dials look at what stands before, or by worth; returns how many titles.

    Where titles are promoted, dials look at rows alone.
    """
    in_turn = turned.on and not by_chance and not turned.ordered[row] and len(promoted.shares) == 0
    if by_chance:
        shown = fill_by_chance(position, columns, chance, given, seed, used, page)
    elif in_turn:
        shown = fill_in_turn(
            row, position, columns, candidates, attention, turned, given, temperature, seed, used, page, tally
        )
    else:
        shown = fill(row, position, columns, candidates, given, temperature, promoted, seed, used, page)
    if turned.on:
        count_row(position, shown, in_turn, attention, turned, page, tally)
    return shown


@numba.njit(cache=True, nogil=True)
def plan_from(
    position: int,
    columns: int,
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    choice: Choice,
    by_chance: int,
    above: Above,
    planned: Int32s,
) -> None:
    """Plan the rows from a place on where nothing is left to chance any more, but none beyond a row by chance."""
    end = min(len(planned), position + choice.depth)
    if position < by_chance:
        end = min(end, by_chance)
    if choice.width > 1:
        plan(position, choice.width, columns, candidates, taste, attention, above, planned[position:end])


@numba.njit(cache=True, nogil=True)
def next_row(
    position: int,
    planned: int,
    wanted: int,
    candidates: Candidates,
    taste: Taste,
    attention: Attention,
    turned: Turned,
    given: bool,
    temperature: float,
    seed: np.uint64,
    above: Above,
    tally: Tally,
    gains: Doubles,
) -> tuple[int, bool, float, int]:
    """The `planned` row of this place where there is one, else one that is drawn, or the `wanted` one when given.

    Returns the row (-1 for none), whether it is possible, its log-probability, and among how many it was chosen.
    """
    if planned >= 0:
        return planned, not given or wanted == planned, 0.0, offered_rows(candidates, above.taken)
    measure(position, candidates, taste, attention, above, gains)
    if turned.on:
        lean(gains, attention.of_row[position], attention, turned, tally)
    row, possible, log_prob = choose(wanted, given, gains, temperature, seed)
    return row, possible, log_prob, int(np.sum(gains > 0.0))


@numba.njit(cache=True, nogil=True)
def open_titles(fresh: Flags, used: Flags) -> int:
    """How many titles a row by chance could show."""
    count = 0
    for item in range(len(fresh)):
        count += fresh[item] and not used[item]
    return count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_by_chance(
    position: int,
    columns: int,
    chance: Chance,
    given: bool,
    seed: np.uint64,
    used: Flags,
    page: Page,
) -> int:
    """Draw fresh titles that do not stand above, every one as likely, or follow the given ones; returns how many."""
    shown, worths, log_probs = page.items[position], page.worths[position], page.item_log_probs[position]
    left = np.flatnonzero(chance.fresh & ~used)
    page.among_titles[position] = len(left)
    drawn = min(columns, len(left))
    for k in range(drawn):
        if given:
            item = np.int64(shown[k])
            if item < 0 or not chance.fresh[item] or used[item]:
                log_probs[k] = -np.inf
                return 0
        else:
            share = float(np.int64(mix(seed, np.uint64(k + 2)) >> np.uint64(11))) * 2.0**-53
            at = k + int(share * (len(left) - k))
            left[k], left[at] = left[at], left[k]
            item = left[k]
        shown[k], worths[k], used[item] = item, chance.worth[item], True
        log_probs[k] = -np.log(len(left) - k)
    if given and drawn < len(shown) and shown[drawn] >= 0:
        log_probs[0] = -np.inf
    return drawn


@numba.njit(cache=True, nogil=True)
def offered_rows(candidates: Candidates, taken: Flags) -> int:
    """How many rows have enough titles to stand here and do not stand above."""
    return int(np.sum((candidates.sizes >= candidates.minimum) & ~taken))


@numba.njit(cache=True, nogil=True)
def choose(wanted: int, given: bool, gains: Doubles, temperature: float, seed: np.uint64) -> tuple[int, bool, float]:
    """Draw a row from log(gain), or check the `wanted` one when given.

    Returns the row (-1 for none), whether it is possible, and its log-probability.
    """
    offered = np.flatnonzero(gains > 0.0)
    logits, chosen, log_prob = np.log(gains[offered]).astype(np.float32), np.zeros(1, np.int64), np.zeros(1)
    if not given:
        drawn = draw(logits, len(offered), 1, temperature, seed, chosen)
    elif wanted >= 0:
        drawn = 1
        chosen[0] = np.searchsorted(offered, wanted)
        if chosen[0] == len(offered) or offered[chosen[0]] != wanted:
            return wanted, False, 0.0
    else:
        drawn = 0
    if drawn == 0:
        return -1, len(offered) == 0, 0.0
    log_probs_of(logits, len(offered), chosen, 1, temperature, log_prob)
    return offered[chosen[0]], True, log_prob[0]


@numba.njit(cache=True, nogil=True)
def fill(
    row: int,
    position: int,
    columns: int,
    candidates: Candidates,
    given: bool,
    temperature: float,
    promoted: Shares,
    seed: np.uint64,
    used: Flags,
    page: Page,
) -> int:
    """Draw the row's titles from those not shown above, or follow the given ones; -inf where they could not be.

    Titles that are promoted have their shares of the places, but where members chose the titles themselves. Returns how
    many are shown.
    """
    items, worths, logits = candidates.items[row], candidates.worths[row], candidates.logits[row]
    shown, shown_worths, log_probs = page.items[position], page.worths[position], page.item_log_probs[position]
    size, repeats = candidates.sizes[row], candidates.repeats[row]
    open_at, open_logits, chosen = np.empty(size, np.int64), np.empty(size, np.float32), np.empty(columns, np.int64)
    n_open = 0
    for at in range(size):
        open_at[n_open], open_logits[n_open] = at, logits[at]
        n_open += repeats or not used[items[at]]
    page.among_titles[position] = n_open
    shared = len(promoted.shares) > 0 and not repeats
    drawn = min(columns, n_open)
    if given and places_of(shown, items[open_at[:n_open]], chosen) != drawn:
        log_probs[0] = -np.inf
        return 0
    if shared:
        logits_here, groups = open_logits[:n_open], promoted.groups[items[open_at[:n_open]]]
        own_seed = mix(seed, np.uint64(1))
        drawn = draw_with_shares(
            logits_here, groups, promoted, columns, temperature, own_seed, given, chosen, log_probs
        )
    elif not given:
        drawn = draw(open_logits, n_open, columns, temperature, mix(seed, np.uint64(1)), chosen)
    if not shared and (given or temperature > 0.0):
        log_probs_of(open_logits, n_open, chosen, drawn, temperature, log_probs)
    for column in range(drawn):
        at = open_at[chosen[column]]
        shown[column], shown_worths[column] = items[at], worths[at]
        used[items[at]] = True
    return drawn


@numba.njit(cache=True, nogil=True)
def infer(
    offsets: Int64s,
    items: UInt32s,
    weights: Floats,
    genre_offsets: UInt64s,
    genres: UInt32s,
    shares: Doubles,
    prior: float,
    steps: int,
    pi: Doubles,
) -> None:
    """Write each member's mixture of tastes into `pi` (batch, genres + 1), by EM from everybody's `shares`.

    E: a title is owed to its genres in proportion to pi_g / share_g. M: what each genre is owed, and `prior` times its
    share, in proportion. Titles without a genre belong to the last taste.
    """
    owed = np.empty(len(shares))
    for b in range(len(offsets) - 1):
        pi[b] = shares
        for _ in range(steps if offsets[b + 1] > offsets[b] else 0):
            owed[:], rise = prior * shares, pi[b] / shares
            for at in range(offsets[b], offsets[b + 1]):
                start, end = genre_offsets[items[at]], genre_offsets[items[at] + 1]
                whole = 0.0
                for k in range(start, end):
                    whole += rise[genres[k]]
                for k in range(start, end):
                    owed[genres[k]] += weights[at] * pi[b, genres[k]] / shares[genres[k]] / whole
                if start == end:
                    owed[-1] += weights[at]
            pi[b] = owed / owed.sum()


@numba.njit(cache=True, nogil=True)
def mean_by_set(ratio: Doubles, offsets: UInt64s, genres: UInt32s, means: Floats) -> None:
    """Write the mean `ratio` (batch, genres + 1) of each set's genres into `means` (batch, sets)."""
    for b in range(len(ratio)):
        for one in range(len(offsets) - 1):
            total = 0.0
            for k in range(offsets[one], offsets[one + 1]):
                total += ratio[b, genres[k]]
            means[b, one] = total / (offsets[one + 1] - offsets[one])


@numba.njit(cache=True, nogil=True)
def lift_titles(worth: Floats, lift: Floats, set_of: UInt32s, most: np.float32, lifted: Floats) -> None:
    """Write `worth` (batch, titles) times the `lift` (batch, sets) of each title's set, at most `most`, to `lifted`."""
    for b in range(len(worth)):
        for item in range(len(set_of)):
            lifted[b, item] = min(worth[b, item] * lift[b, set_of[item]], most)
