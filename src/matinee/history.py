"""Histories: what each member did before a moment, as ragged arrays; and the data a scorer is fitted on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from matinee.catalog import Catalog
from matinee.clock import Clocks
from matinee.events import DAY, LIKED_RATING, PLAYED, Kind, strengths
from matinee.likes import counted_likes
from matinee.maths.half_life import learned_half_life
from matinee.maths.ragged import gather, last_of_each, narrowed, offsets_of

_LEFT_OUT: Any = np.empty(0)
NOTHING_DONE = int.from_bytes(hashlib.blake2b(digest_size=8).digest(), "big")  # the digest of an empty history
SPEAKING = (Kind.PLAY, Kind.RATING, Kind.THUMBS_UP, Kind.THUMBS_DOWN, Kind.DISMISS)
_SPEAKS = np.isin(np.arange(max(Kind) + 1), SPEAKING)


@dataclass(frozen=True, repr=False)
class Tastes:
    """The titles that speak for each member's taste, each once, oldest first.

    `offsets` (batch + 1); `items`, `weights` (0..1), `times` (microseconds of the latest signal) and `kinds` (that
    signal's `events.Kind`) are flat.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    weights: NDArray[np.float32]
    times: NDArray[np.int64]
    kinds: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"Tastes({len(self):,} members, {len(self.items):,} titles)"

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of titles of each member."""
        return np.diff(self.offsets)

    def matrix(self, n_titles: int) -> sparse.csr_matrix:
        """Members x titles, float32, one entry per taste; a copy, for scipy sorts rows in place when it likes to."""
        return sparse.csr_matrix((self.weights, self.items, self.offsets), shape=(len(self), n_titles), copy=True)


@dataclass(frozen=True, repr=False)
class Histories:
    """Events with a title, grouped by member, oldest first within each.

    Member `b` owns the slice `offsets[b]:offsets[b + 1]` of the flat arrays: `items` (dense indexes),
    `kinds` (`events.Kind`), `values` (share watched or stars; 0 where the kind has none),
    `times` (microseconds since 1970, UTC), `countries` and `devices` (codes of `situation`; left out, all unknown),
    `episodes` (left out, none): of what was done with an episode its index, while the item is its series; else -1.
    """

    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    kinds: NDArray[np.int8]
    values: NDArray[np.float32]
    times: NDArray[np.int64]
    countries: NDArray[np.int16] = field(default_factory=lambda: _LEFT_OUT)
    devices: NDArray[np.int8] = field(default_factory=lambda: _LEFT_OUT)
    episodes: NDArray[np.int32] = field(default_factory=lambda: _LEFT_OUT)

    def __post_init__(self) -> None:
        for name, dtype in (("countries", np.int16), ("devices", np.int8)):
            if getattr(self, name) is _LEFT_OUT:
                object.__setattr__(self, name, np.zeros(len(self.items), dtype))
        if self.episodes is _LEFT_OUT:
            object.__setattr__(self, "episodes", np.full(len(self.items), -1, np.int32))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"Histories({len(self):,} members, {len(self.items):,} events)"

    @classmethod
    def empty(cls, batch: int) -> Histories:
        """Histories of `batch` members who have done nothing."""
        nothing = np.empty(0)
        return cls(
            np.zeros(batch + 1, np.int64),
            nothing.astype(np.int32),
            nothing.astype(np.int8),
            nothing.astype(np.float32),
            nothing.astype(np.int64),
        )

    @classmethod
    def of_items(cls, lists: list[list[int]]) -> Histories:
        """Histories in which each member watched these titles to the end, one a second. For seeds, tests, examples."""
        offsets = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(one) for one in lists], out=offsets[1:])
        n = int(offsets[-1])
        items = np.fromiter((item for one in lists for item in one), np.int32, n)
        seconds = np.fromiter((at for one in lists for at in range(len(one))), np.int64, n)
        return cls(offsets, items, np.full(n, Kind.PLAY, np.int8), np.ones(n, np.float32), seconds * 1_000_000)

    @classmethod
    def joined(cls, parts: Sequence[Histories]) -> Histories:
        """The histories of all parts, one part after the other; at least one part."""
        lengths = np.concatenate([np.diff(one.offsets) for one in parts])
        columns = {name: np.concatenate([getattr(one, name) for one in parts]) for name in EVENT_COLUMNS}
        return cls(offsets_of(lengths), **columns)

    def take(self, rows: NDArray[np.int64]) -> Histories:
        """The histories of these batch rows, in this order."""
        return self.select(*gather(self.offsets, rows))

    def keep(self, mask: NDArray[np.bool_]) -> Histories:
        """The histories without the events that `mask` (events,) leaves out; every member stays, some with nothing."""
        return self.select(narrowed(self.offsets, mask), mask)

    def select(self, offsets: NDArray[np.int64], events: NDArray[Any] | slice) -> Histories:
        """The `events` (places in the flat arrays, a mask or a slice), grouped anew by `offsets`."""
        return Histories(offsets, **{name: getattr(self, name)[events] for name in EVENT_COLUMNS})

    def by(self, now: int | NDArray[np.int64]) -> Histories:
        """The same, with nothing at or after `now` (microseconds since 1970, UTC; one for all members or one each).

        What a clock that has since jumped back stamped later than now counts as just done.
        """
        latest = np.repeat(np.broadcast_to(now, (len(self),)), np.diff(self.offsets)) - 1
        return replace(self, times=np.minimum(self.times, latest)) if (self.times > latest).any() else self

    def digests(self) -> NDArray[np.uint64]:
        """(members,) 64 bits of all that each did: equal for equal histories, on any machine.

        Episodes count where there are any, so that histories without have the digests that they always had.
        """
        found = np.full(len(self), NOTHING_DONE, np.uint64)
        columns = [memoryview(getattr(self, name).tobytes()) for name in EVENT_COLUMNS]
        sizes = [getattr(self, name).itemsize for name in EVENT_COLUMNS]
        without = EVENT_COLUMNS.index("episodes")
        for b in np.flatnonzero(np.diff(self.offsets)).tolist():
            first, last = int(self.offsets[b]), int(self.offsets[b + 1])
            state = hashlib.blake2b(digest_size=8)
            told = len(columns) if (self.episodes[first:last] >= 0).any() else without
            for column, size in zip(columns[:told], sizes[:told], strict=True):
                state.update(column[first * size : last * size])
            found[b] = int.from_bytes(state.digest(), "big")
        return found

    def digest(self, b: int) -> str:
        """The digest of member `b`, in hex."""
        return f"{int(self.take(np.array([b])).digests()[0]):016x}"

    @cached_property
    def speaking(self) -> NDArray[np.bool_]:
        """(events,) which say for or against their title: plays, ratings, thumbs and dismissals.

        An episode that was hardly begun says nothing of its series.
        """
        begun = (self.episodes < 0) | (self.kinds != Kind.PLAY) | (self.values >= PLAYED)
        return np.asarray(_SPEAKS[self.kinds] & begun)

    @cached_property
    def turned_down(self) -> NDArray[np.bool_]:
        """(events,) which are the member's latest word on their title, and a thumbs down, "not for me" or a low rating;
        a later play, or a place on the list, takes it back.
        """
        latest = last_of_each(self.offsets, self.items, self.speaking | (self.kinds == Kind.LIST_ADD))
        low = (self.kinds == Kind.RATING) & (self.values < LIKED_RATING)
        return np.asarray(latest & (low | np.isin(self.kinds, (Kind.THUMBS_DOWN, Kind.DISMISS))))

    @cached_property
    def tastes(self) -> Tastes:
        """Each member's liked titles, each once at its latest like.

        A title is a taste when its *latest* play, rating, thumb or dismissal says so: a later thumbs down or
        dismissal takes an earlier like back, a later play restores it. Impressions, openings and list changes say
        nothing. A series is one title: w(series) = max over its episodes' plays of w(play) = 1, however many there are.
        """
        kept = last_of_each(self.offsets, self.items, self.speaking)
        weights = strengths(self.kinds, self.values)
        kept &= weights > 0
        return Tastes(narrowed(self.offsets, kept), self.items[kept], weights[kept], self.times[kept], self.kinds[kept])


EVENT_COLUMNS = tuple(one.name for one in fields(Histories) if one.name != "offsets")


@dataclass(frozen=True, repr=False)
class TrainingData:
    """What a scorer may learn from: everything known at `as_of`, nothing after.

    `events` follows `events.SCHEMA` plus the dense column `item` (Int32) and holds only titles of `catalog`;
    `histories` holds the same events by member, in the order of `user_ids`. `clocks` says by whose clock they are read.
    """

    catalog: Catalog
    events: pl.DataFrame
    user_ids: list[str]
    histories: Histories
    as_of: int
    clocks: Clocks = Clocks()

    def __repr__(self) -> str:
        return f"TrainingData({self.catalog!r}, {self.histories!r})"

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """Members x titles of liked titles, float32."""
        return self.histories.tastes.matrix(len(self.catalog))

    @cached_property
    def half_life_days(self) -> float | None:
        """The age at which a like counts half for what is popular, as these likes teach it; None = they never age."""
        tastes = self.histories.tastes
        order = np.argsort(tastes.times, kind="stable")
        members, items = np.repeat(np.arange(len(tastes)), tastes.lengths)[order], tastes.items[order]
        days, trust = tastes.times[order] / DAY, self._weights(members, items)
        return learned_half_life(members, items, days, len(self.catalog), trust)

    def _weights(self, members: NDArray[np.int64], items: NDArray[np.int32]) -> NDArray[np.float64]:
        """What these members' likes of these titles count for, by `likes.counted_likes`."""
        user_ids = pl.Series("user_id", self.user_ids, pl.String).gather(members)
        weights = counted_likes(self.events, self.as_of).select("user_id", "item", "weight")
        asked = pl.DataFrame([user_ids, pl.Series("item", items)])
        found = asked.join(weights, on=["user_id", "item"], how="left", maintain_order="left")
        return found["weight"].fill_null(0.0).to_numpy()

    def of_members(self, rows: NDArray[np.int64]) -> TrainingData:
        """What is known of these members (places in `user_ids`) alone, in this order."""
        user_ids = [self.user_ids[row] for row in rows]
        theirs = pl.col("user_id").is_in(pl.Series(user_ids, dtype=pl.String).implode())
        return replace(self, events=self.events.filter(theirs), user_ids=user_ids, histories=self.histories.take(rows))
