"""What each member could be written to about: a few titles, each with every reason that is true of
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numba
import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Requests, Scorer
from matinee.decision.eligibility import eligible
from matinee.decision.messages import Reason
from matinee.events import DAY, PLAYED, Kind
from matinee.maths.arrays import Flags, Floats, Int8s, Int32s, Int64s
from matinee.maths.calibration import Platt
from matinee.maths.cores import blas_in_the_calling_thread
from matinee.maths.ragged import offsets_of, owners_of
from matinee.surfaces.outreach.config import OutreachConfig
from matinee.surfaces.outreach.seasons import seasons_for
from matinee.surfaces.pages.deciding import worth_of
from matinee.surfaces.sway import Sway
from matinee.surfaces.trust import had_enough

AT_ONCE = 2_000  # members whose titles are scored at a time
WORTH_STEP = 2.0**-12  # worths are rounded to it, so that a title asked again alone is worth the same
LISTED, SEASON, ARRIVAL, FAVOURITE = (1 << one for one in Reason)
PLAY, RATING, ADD, REMOVE = int(Kind.PLAY), int(Kind.RATING), int(Kind.LIST_ADD), int(Kind.LIST_REMOVE)
TOLD = (int(Kind.THUMBS_UP), int(Kind.THUMBS_DOWN), int(Kind.DISMISS), int(Kind.MESSAGE))


@dataclass(frozen=True)
class Messages:
    """The messages that each member could get: member b owns `offsets[b]:offsets[b + 1]`, each
    title once.

    `titles`, `reasons` (bit k is set where `Reason` k is true), `worth` and `factors` (messages,), the latter what the
    member's wishes make of its odds; `eligible` (batch,) how many titles each member may be shown.
    """

    offsets: Int64s
    titles: Int32s
    reasons: Int8s
    worth: Floats
    factors: Floats
    eligible: Int32s

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def owners(self) -> Int64s:
        """(messages,) the member of each."""
        return owners_of(self.offsets)

    @property
    def counts(self) -> Int64s:
        """(batch,) how many each member could get."""
        return np.diff(self.offsets)

    @classmethod
    def joined(cls, parts: list[Messages]) -> Self:
        """The messages of all parts, one part after the other; at least one part."""
        names = ("titles", "reasons", "worth", "factors", "eligible")
        flat = {name: np.concatenate([getattr(one, name) for one in parts]) for name in names}
        return cls(offsets_of(np.concatenate([one.counts for one in parts])), **flat)


def messages_for(
    requests: Requests, open_to: Flags, catalog: Catalog, scorer: Scorer, calibration: Platt, config: OutreachConfig
) -> Messages:
    """What each member could be written to about; nothing where `open_to` (batch,) is not set,
    which costs nothing.

    A title is offered once: none that was played, judged, turned down or written about before, but for series with a
    new season.
    """
    parts = [Messages.joined([_none(0)])]
    for start in range(0, len(requests), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(requests)))
        asked = rows[open_to[rows]]
        found = _found(requests.take(asked), catalog, scorer, calibration, config) if len(asked) else _none(0)
        parts.append(_spread(found, open_to[rows]))
    return Messages.joined(parts)


def _found(
    requests: Requests, catalog: Catalog, scorer: Scorer, calibration: Platt, config: OutreachConfig
) -> Messages:
    allowed = eligible(catalog, requests)
    with blas_in_the_calling_thread():
        scores = scorer.score(requests)
    wished = scores if not (sway := Sway.of(catalog, requests)).boosts else scores + _shift(sway, calibration)
    past, batch, width = requests.histories, len(requests), len(Reason) * config.each
    titles, reasons = np.zeros((batch, width), np.int32), np.zeros((batch, width), np.int8)
    counts = np.zeros(batch, np.int64)
    fresh = catalog.arrived >= requests.times.min() - config.fresh * DAY
    offered = allowed & ~had_enough(requests, catalog)
    seasons = seasons_for(requests, catalog, offered, config.fresh, config.each)
    _walk(
        past.offsets, past.items, past.kinds, past.values, requests.times, offered, wished, catalog.arrived,
        np.flatnonzero(fresh), config.fresh * DAY, seasons.offsets, seasons.values, config.each, titles,
        reasons, counts,
    )  # fmt: skip
    used = np.arange(width) < counts[:, None]
    owners = np.repeat(np.arange(batch), counts)
    worth = worth_of(scores[owners, titles[used]], calibration)
    rounded = (np.rint(worth / WORTH_STEP) * WORTH_STEP).astype(np.float32)
    factors = sway.factors[owners, titles[used]] if sway.boosts else np.ones_like(rounded)
    shown = allowed.sum(axis=1, dtype=np.int32)
    return Messages(offsets_of(counts), titles[used], reasons[used], rounded, factors, shown)


def _shift(sway: Sway, calibration: Platt) -> Floats:
    """(batch, titles) what wishes add to scores, so that the odds of their probability are boosted; nothing where a
    better score is no likelier to please.
    """
    if calibration.slope <= 0:
        return np.zeros_like(sway.factors)
    return np.asarray(np.log(sway.factors) / calibration.slope, np.float32)


def _none(batch: int) -> Messages:
    """Nothing for anybody."""
    nothing, nobody = np.zeros(0, np.int32), np.zeros(batch, np.int32)
    none = nothing.astype(np.float32)
    return Messages(offsets_of(nobody), nothing, nothing.astype(np.int8), none, none, nobody)


def _spread(found: Messages, open_to: Flags) -> Messages:
    """The messages of those who are open, among everybody."""
    counts, eligible = np.zeros(len(open_to), np.int64), np.zeros(len(open_to), np.int32)
    counts[open_to], eligible[open_to] = found.counts, found.eligible
    return Messages(offsets_of(counts), found.titles, found.reasons, found.worth, found.factors, eligible)


@numba.njit(cache=True, nogil=True)
def _walk(
    offsets: Int64s,
    items: Int32s,
    kinds: Int8s,
    values: Floats,
    now: Int64s,
    allowed: Flags,
    scores: Floats,
    arrived: Int64s,
    newest: Int64s,
    fresh: int,
    season_offsets: Int64s,
    seasons: Int32s,
    each: int,
    titles: Int32s,
    reasons: Int8s,
    counts: Int64s,
) -> None:
    """Of each member the latest `each` titles of the list, the series with new seasons, the best that
    arrived lately, and the best of all.
    """
    known, listed = np.zeros(allowed.shape[1], np.bool_), np.zeros(allowed.shape[1], np.int8)
    for b in range(len(now)):
        own = slice(offsets[b], offsets[b + 1])
        _remember(items[own], kinds[own], values[own], known, listed)
        for at in range(own.stop - 1, own.start - 1, -1):
            item = items[at]
            if counts[b] < each and listed[item] and allowed[b, item] and not known[item]:
                _offer(titles[b], reasons[b], counts, b, item, LISTED)
        for at in range(season_offsets[b], season_offsets[b + 1]):
            _offer(titles[b], reasons[b], counts, b, seasons[at], SEASON)
        best, n = np.empty(each, np.int64), 0
        for item in newest:
            new = arrived[item] >= now[b] - fresh and arrived[item] <= now[b]
            if new and allowed[b, item] and not known[item]:
                n = _keep(best, n, item, scores[b])
        for k in range(n):
            _offer(titles[b], reasons[b], counts, b, best[k], ARRIVAL)
        n, least = 0, -np.inf
        for item in range(allowed.shape[1]):
            if scores[b, item] > least and allowed[b, item] and not known[item]:
                n = _keep(best, n, item, scores[b])
                least = scores[b, best[n - 1]] if n == each else -np.inf
        for k in range(n):
            _offer(titles[b], reasons[b], counts, b, best[k], FAVOURITE)
        for at in range(own.start, own.stop):
            known[items[at]] = False
            listed[items[at]] = 0


@numba.njit(cache=True, nogil=True)
def _remember(items: Int32s, kinds: Int8s, values: Floats, known: Flags, listed: Int8s) -> None:
    """Mark what a member knows already, and what stands on the list."""
    for at in range(len(items)):
        kind, item = kinds[at], items[at]
        if kind == RATING or kind in TOLD or (kind == PLAY and values[at] >= PLAYED):
            known[item] = True
        elif kind == ADD:
            listed[item] = 1
        elif kind == REMOVE:
            listed[item] = 0


@numba.njit(cache=True, nogil=True)
def _offer(titles: Int32s, reasons: Int8s, counts: Int64s, b: int, item: int, reason: int) -> None:
    """Add a reason to a title that is offered, or the title."""
    for k in range(counts[b]):
        if titles[k] == item:
            reasons[k] |= reason
            return
    titles[counts[b]], reasons[counts[b]] = item, reason
    counts[b] += 1


@numba.njit(cache=True, nogil=True)
def _keep(best: Int64s, n: int, item: int, scores: Floats) -> int:
    """Put a title among the best in falling order, if it is one of them; the earlier of equals
    stays first.
    """
    if n == len(best) and scores[item] <= scores[best[n - 1]]:
        return n
    at = min(n, len(best) - 1)
    while at > 0 and scores[best[at - 1]] < scores[item]:
        best[at] = best[at - 1]
        at -= 1
    best[at] = item
    return min(n + 1, len(best))
