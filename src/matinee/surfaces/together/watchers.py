"""Those who watch, one by one and as one: whose history is whose, what they met, and the nights they had together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from matinee.decision import Requests
from matinee.errors import BadRequest
from matinee.events import PLAYED, Kind
from matinee.history import Histories
from matinee.maths.arrays import Flags, Int32s, Int64s
from matinee.maths.ragged import last_of_each, offsets_of, owners_of

MINUTES = 15  # plays of one title that begin so close to each other are one night together
MICROSECONDS = 60_000_000


@dataclass(frozen=True)
class Watchers:
    """Everybody of a batch: of request b those from `offsets[b]` to `offsets[b + 1]`, who asks first.

    `alone` (watchers): what each of them would ask alone.
    """

    offsets: Int64s
    alone: Requests

    @classmethod
    def of(cls, requests: Requests) -> Watchers:
        """Raises `BadRequest` where the batch has no company."""
        company = requests.together
        if company is None or (np.diff(company.people.offsets) == 0).any():
            raise BadRequest("watching together takes two or more; give each request a company in `together`")
        batch = len(requests)
        whose = np.concatenate((np.arange(batch), company.requests))
        order = np.argsort(whose, kind="stable")
        people = np.concatenate((requests.members, company.people.values)).astype(np.int32)[order]
        histories = Histories.joined([requests.histories, company.histories]).take(order)
        each = replace(requests, together=None, logged_digests=None, arrived=None).take(whose[order])
        offsets = offsets_of(np.bincount(whose, minlength=batch))
        return cls(offsets, replace(each, members=people, histories=histories))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of_request(self, b: int) -> slice:
        """Who watches in request `b`."""
        return slice(int(self.offsets[b]), int(self.offsets[b + 1]))

    @cached_property
    def whose(self) -> Int64s:
        """(watchers,) the request of each."""
        return owners_of(self.offsets)

    def as_one(self, requests: Requests) -> Requests:
        """The requests as of one member each, who did what all of them did: by turns, who asks last."""
        histories = self.alone.histories
        watcher = owners_of(histories.offsets)
        from_the_end = histories.offsets[1:][watcher] - np.arange(len(watcher))
        order = np.lexsort((-watcher, -from_the_end, self.whose[watcher]))
        merged = histories.select(histories.offsets[self.offsets], order)
        return replace(requests, histories=merged, together=None, logged_digests=None)

    def met(self, titles: int) -> Flags:
        """(batch, titles) what one of them or more has watched, seen elsewhere, rated, thumbed or turned down."""
        histories, met = self.alone.histories, np.zeros((len(self), titles), np.bool_)
        done = histories.speaking & ((histories.kinds != Kind.PLAY) | (histories.values >= PLAYED))
        done |= histories.kinds == Kind.SEEN
        watcher = owners_of(histories.offsets)
        met[self.whose[watcher[done]], histories.items[done]] = True
        return met

    def nights(self, b: int) -> Int32s:
        """The titles that all of request `b` watched together, latest first."""
        each = [self._latest_plays(w) for w in range(self.offsets[b], self.offsets[b + 1])]
        common = reduce(np.intersect1d, [items for items, _ in each])
        times = np.array([at[np.searchsorted(items, common)] for items, at in each])
        together = np.ptp(times, axis=0) <= MINUTES * MICROSECONDS if len(common) else np.zeros(0, np.bool_)
        latest = np.argsort(-times.max(axis=0)[together], kind="stable")
        return np.asarray(common[together][latest], np.int32)

    def _latest_plays(self, w: int) -> tuple[Int32s, Int64s]:
        """What a watcher played, each title once in rising order, and when last."""
        histories = self.alone.histories
        own = slice(int(histories.offsets[w]), int(histories.offsets[w + 1]))
        items, times = histories.items[own][self._plays[own]], histories.times[own][self._plays[own]]
        order = np.argsort(items)
        return items[order], times[order]

    @cached_property
    def _plays(self) -> Flags:
        """(events,) which are somebody's latest play of a title."""
        histories = self.alone.histories
        played = (histories.kinds == Kind.PLAY) & (histories.values >= PLAYED)
        return last_of_each(histories.offsets, histories.items, played)

    @cached_property
    def turned_down(self) -> list[Int32s]:
        """(watchers) the titles that each turned down."""
        histories = self.alone.histories
        return [
            histories.items[first:last][histories.turned_down[first:last]]
            for first, last in zip(histories.offsets[:-1], histories.offsets[1:], strict=True)
        ]
