"""Shelves become a page: row by row, each drawn by its promise and its titles by how likely they are meant.

Both draws are Plackett-Luce at temperature T, 0 taking the best. A title stands once on a page, so a row is drawn of
those that still have a title to show, given the rows above it and their titles: the log-probabilities are exact.
Dials for diversity and calibration look at the titles before in the row (`maths.in_turn`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from matinee.decision import RowName
from matinee.maths.arrays import Doubles, Floats, Int32s, Int64s
from matinee.maths.in_turn import Groups, Pull, draw_in_turn
from matinee.maths.sampling import log_probs_of, mix, plackett_luce
from matinee.maths.shares import Shares, draw_with_shares
from matinee.surfaces.search.shelves import Shelf

CERTAINTY = 10.0  # nats that a row which promises everything is ahead of one that promises nothing
MORE = np.uint64(1)  # the place of a row's titles beside its own
NONE, UNKNOWN = -1, -2  # no choice stands here; one that was not on offer


class Place(NamedTuple):
    """One page being filled: as `pages.builder.Built` without the batch; `rows` are places among the shelves."""

    rows: Int32s
    items: Int32s
    row_log_probs: Doubles
    item_log_probs: Doubles
    among_rows: Int32s
    among_titles: Int32s


class Chance(NamedTuple):
    """How a page is drawn: temperature, seed, and where dials look at titles before, the genres of titles and the pull
    of what stands before; `shares` of the places for what is promoted, where anything is.
    """

    temperature: float
    seed: np.uint64
    groups: Groups
    pull: Pull | None
    shares: Shares


class Shown(NamedTuple):
    """A page that was shown: the names of its rows, None where none stands, and its titles (rows, columns)."""

    names: Sequence[RowName | None]
    items: Int32s


def fill(shelves: Sequence[Shelf], chance: Chance, page: Place, shown: Shown | None = None) -> None:
    """Fill an empty page. With `shown`, nothing is drawn: how likely was that page?

    A page that could not have been drawn gets -inf at the first choice that was impossible.
    """
    used, left = np.empty(0, np.int32), list(range(len(shelves)))
    for r in range(len(page.rows)):
        own = np.uint64(mix(chance.seed, np.uint64(r)))
        free = {k: kept for k in left if (kept := ~np.isin(shelves[k].items, used)).any()}
        offered = list(free)
        promises = np.array([CERTAINTY * shelves[k].promise for k in offered], np.float32)
        wanted = None if shown is None else _named([shelves[k].name for k in offered], shown.names[r])
        drawn, log_probs = _draw(promises, 1, chance.temperature, own, wanted)
        page.row_log_probs[r] = log_probs[0]
        if drawn[0] < 0 or np.isneginf(log_probs[0]):
            break
        k = offered[int(drawn[0])]
        items, logits = shelves[k].items[free[k]], shelves[k].logits[free[k]]
        wanted = None if shown is None else _placed(items, shown.items[r])
        titles = chance._replace(seed=np.uint64(mix(own, MORE)))
        drawn, page.item_log_probs[r] = _draw_titles(items, logits, len(page.items[r]), titles, wanted)
        if np.isneginf(page.item_log_probs[r]).any():
            break
        page.rows[r], page.items[r] = k, np.append(items, np.int32(-1))[drawn]
        page.among_rows[r], page.among_titles[r] = len(offered), len(items)
        used = np.append(used, page.items[r])
        left.remove(k)


def _draw(logits: Floats, n: int, temperature: float, seed: np.uint64, wanted: Int64s | None) -> tuple[Int64s, Doubles]:
    """The first `n` draws, -1 past the last, and their log-probabilities; those of `wanted` (n,) where it is given."""
    if wanted is None:
        drawn, log_probs = plackett_luce(logits[None], n, temperature, np.array([seed], np.uint64))
        return drawn[0], log_probs[0]
    log_probs = _impossible(wanted, min(n, len(logits)))
    if not np.isneginf(log_probs).any():
        log_probs_of(logits, len(logits), wanted, int(np.count_nonzero(wanted != NONE)), temperature, log_probs)
    return wanted, log_probs


def _draw_titles(
    items: Int32s, logits: Floats, n: int, chance: Chance, wanted: Int64s | None
) -> tuple[Int64s, Doubles]:
    """As `_draw`, each title given those before it where the chance has shares, or else a pull."""
    if chance.pull is None and not len(chance.shares.shares):
        return _draw(logits, n, chance.temperature, chance.seed, wanted)
    due = min(n, len(items))
    drawn = np.full(n, NONE) if wanted is None else wanted.copy()
    log_probs = np.zeros(n) if wanted is None else _impossible(wanted, due)
    if np.isneginf(log_probs).any():
        return drawn, log_probs
    if len(chance.shares.shares):
        own = chance.shares.groups[items]
        draw_with_shares(
            logits, own, chance.shares, n, chance.temperature, chance.seed, wanted is not None, drawn, log_probs
        )
    elif chance.pull is not None:
        draw_in_turn(
            logits, items, chance.pull, chance.groups, np.zeros(len(chance.pull.wanted)), np.ones(due),
            chance.temperature, chance.seed, wanted is not None, drawn[:due], log_probs[:due],
        )  # fmt: skip
    return drawn, log_probs


def _impossible(wanted: Int64s, due: int) -> Doubles:
    """(n,) -inf at the first of the `wanted` (n,) places that is not on offer or missing, where `due` stand; else 0."""
    log_probs = np.zeros(len(wanted))
    wrong = (wanted == UNKNOWN) | ((wanted == NONE) & (np.arange(len(wanted)) < due))
    if wrong.any():
        log_probs[np.argmax(wrong)] = -np.inf
    return log_probs


def _named(offered: Sequence[RowName], name: RowName | None) -> Int64s:
    """(1,) the place of the row so named among those offered."""
    if name is None:
        return np.array([NONE])
    return np.array([offered.index(name) if name in offered else UNKNOWN])


def _placed(offered: Int32s, items: Int32s) -> Int64s:
    """(columns,) the places of titles among those offered."""
    same = items[:, None] == offered[None, :]
    places = np.where(same.any(axis=1), same.argmax(axis=1), UNKNOWN)
    return np.where(items < 0, NONE, places)
