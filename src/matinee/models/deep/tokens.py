"""Tokens: a history as a network reads it, and the situation in which each of its titles was asked for.

Every number is a small code, and code 0 means unknown, so missing context needs no rule of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.clock import CLOCKED, local_clock
from matinee.decision import Requests
from matinee.events import DAY, PLAYED, Kind, strengths
from matinee.history import Histories
from matinee.maths.ragged import last_of_each, narrowed, owners_of
from matinee.situation import N_COUNTRIES, N_DEVICES

SHARES = (PLAYED, 0.5, 0.9)  # borders between the buckets of a share watched or a rating
GAPS = 32  # powers of two of seconds: the last begins at 68 years
AGES = 12  # the newest week, then powers of two of weeks: the last begins after 20 years
MOMENT = (N_COUNTRIES, N_DEVICES, 25, 8, GAPS + 1)  # codes of country, device, hour, weekday, time since the last
HISTORY = (Kind.CANCEL + 2, len(SHARES) + 2, *MOMENT)
SITUATION = (*MOMENT, AGES + 1)  # last: how long ago, so that what was chosen then is not taken for what is chosen now
PACE = 0.25  # of a code's learning beside a title's: it stands in many tokens, and in small data an hour names a member
SECOND = 1_000_000  # microseconds
WEEK = 7 * DAY

Codes = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a history is read: `context` = country and device, `time` = hour, weekday, gaps and ages, `order`."""

    context: bool = True
    time: bool = True
    order: bool = True


@dataclass(frozen=True)
class Tokens:
    """What members did with titles, as codes; member `b` owns `offsets[b]:offsets[b + 1]` of the flat arrays.

    `items` (tokens,) dense titles; `history` (tokens, 7) what is known after the event, see `HISTORY`; `situation`
    (tokens, 6) what was known when the title was chosen, see `SITUATION`; `ends` (tokens,) times of the events in
    microseconds; `taught` (tokens,) whether it is a first like, which a network may learn to predict.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    history: Codes
    situation: Codes
    ends: NDArray[np.int64]
    taught: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of tokens of each member."""
        return np.diff(self.offsets)

    @property
    def latest(self) -> int:
        """Time of the latest event, from which ages count."""
        return int(self.ends.max(initial=0))


def tokens_of(histories: Histories, n_titles: int, reading: Reading, latest: int | None = None) -> Tokens:
    """The speaking events (plays, ratings, thumbs, dismissals) of the titles below `n_titles`, oldest first.

    Events of one title that follow each other are one token: it was chosen in the situation of the first and says
    what the last says. So a series watched night after night is one title, as it is for `Histories.tastes`. Without
    order a history is a set: each title once, at its latest event, only a member's `latest` titles where that is given,
    sorted by title, and no gaps between events. The age of a choice counts from the latest one of all members (the
    example age of Covington, Adams, Sargin 2016).
    """
    speaks = histories.speaking & (histories.items < n_titles)
    if not reading.order:
        speaks = last_of_each(histories.offsets, histories.items, speaks)
        speaks &= _later(histories.offsets, speaks) < (latest or len(speaks))
    offsets, events = narrowed(histories.offsets, speaks), np.flatnonzero(speaks)
    if not reading.order:
        owner = owners_of(offsets)
        events = events[np.lexsort((histories.items[events], owner))]
    first, last = _runs(offsets, histories.items[events])
    starts, ends = events[first], events[last]
    offsets = np.searchsorted(first, offsets).astype(np.int64)
    return _tokens(histories, offsets, starts, ends, reading)


def situations_of(requests: Requests, tokens: Tokens, reading: Reading, latest: int) -> Codes:
    """(batch, 6) codes of each request's own situation: its country and device, the UTC hour and weekday of its time,
    the time since the member's last token, and its age: the least one, unless it is asked for a moment before the
    `latest` event that was learned from (microseconds).
    """
    codes = np.zeros((len(requests), len(SITUATION)), np.int16)
    if reading.context:
        codes[:, 0] = requests.situations.country
        codes[:, 1] = requests.situations.device
    if reading.time:
        codes[:, 2:4] = _clock(requests.times)
        codes[:, 5] = _ages(requests.times, latest)
        started = np.flatnonzero((tokens.lengths > 0) & reading.order)
        codes[started, 4] = _gaps(tokens.ends[tokens.offsets[started + 1] - 1], requests.times[started])
    return codes


def _tokens(
    histories: Histories,
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    reading: Reading,
) -> Tokens:
    items, times = histories.items[ends], histories.times[ends]
    kinds, values = histories.kinds[ends], histories.values[ends]
    history = np.zeros((len(items), len(HISTORY)), np.int16)
    situation = np.zeros((len(items), len(SITUATION)), np.int16)
    history[:, 0] = kinds + 1
    history[:, 1] = np.where(
        (kinds == Kind.PLAY) | (kinds == Kind.RATING), np.searchsorted(SHARES, np.nan_to_num(values), "right") + 1, 0
    )
    if reading.context:
        for codes, events in ((history[:, 2:], ends), (situation, starts)):
            codes[:, 0], codes[:, 1] = histories.countries[events], histories.devices[events]
    if reading.time:
        history[:, 4:6], situation[:, 2:4] = _clock(times), _clock(histories.times[starts])
        situation[:, 5] = _ages(histories.times[starts], int(times.max(initial=0)))
    if reading.time and reading.order and len(items):
        follows = np.ones(len(items), np.bool_)
        follows[offsets[:-1][np.diff(offsets) > 0]] = False
        situation[1:, 4] = _gaps(times[:-1], histories.times[starts[1:]])
        situation[~follows, 4] = 0
        history[:, 6] = situation[:, 4]
    turned = last_of_each(offsets[-1] - offsets[::-1], np.ascontiguousarray(items[::-1]), np.ones(len(items), np.bool_))
    return Tokens(offsets, items, history, situation, times, (strengths(kinds, values) > 0) & turned[::-1])


def _later(offsets: NDArray[np.int64], speaks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many events of the same member that speak come after each event."""
    counts = np.append(0, np.cumsum(speaks))
    return np.asarray(np.repeat(counts[offsets[1:]], np.diff(offsets)) - counts[1:])


def _runs(offsets: NDArray[np.int64], items: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last place of every run of one title within one member."""
    starts = np.ones(len(items) + 1, np.bool_)
    starts[1:-1] = items[1:] != items[:-1]
    starts[offsets] = True
    places = np.flatnonzero(starts)
    return places[:-1], places[1:] - 1


def _clock(times: NDArray[np.int64]) -> Codes:
    """(times, 2) codes of UTC hour (1 to 24) and weekday (1 = Monday to 7); 0 where a time is unknown."""
    return np.stack(local_clock(times, "UTC"), axis=-1).astype(np.int16) + np.int16(1)


def _gaps(before: NDArray[np.int64], after: NDArray[np.int64]) -> Codes:
    """1 + floor(log2(seconds between)), at most `GAPS`; 0 where a time is unknown."""
    seconds = np.maximum(after - before, SECOND) / SECOND
    codes = np.minimum(np.log2(seconds).astype(np.int16) + 1, GAPS)
    return np.asarray(np.where(np.minimum(before, after) < CLOCKED, 0, codes), np.int16)


def _ages(times: NDArray[np.int64], now: int) -> Codes:
    """1 for the week up to `now` and all that comes later, 2 for the week before, 3 for the two before that, and so on,
    at most `AGES`; 0 where a time is unknown.
    """
    weeks = np.maximum((now - times) / WEEK, 1)
    codes = np.minimum(np.ceil(np.log2(weeks)).astype(np.int16) + 1, AGES)
    return np.asarray(np.where(times < CLOCKED, 0, codes), np.int16)
