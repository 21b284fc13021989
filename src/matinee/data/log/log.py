"""The event log: append-only, idempotent, durable. What it acknowledged is on disk; what it returns was verified."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import polars as pl

from matinee.data.log import forget as log_forget
from matinee.data.log import rows as log_rows
from matinee.data.log import schema as sql
from matinee.data.log import sealing as log_sealing
from matinee.data.log.decided import DecisionLog
from matinee.data.log.dialect import Cursor, Dialect
from matinee.data.log.opening import check_quickly, opened
from matinee.data.log.sealed import SealedDay, read_day
from matinee.data.log.sqlite import SQLITE
from matinee.data.log.store import generation, sealed_days
from matinee.data.log.thinning import Thinned
from matinee.errors import MatineeError
from matinee.events import SCHEMA, of_visitors
from matinee.profile import Profile

T = TypeVar("T")
_IMPORTED_AT_ONCE = 20_000  # rows of one write while importing
_TOLD_AT_ONCE = 1_000  # members that one write names to other handles; of more it says that all changed
_CHANGES_KEPT = 10_000  # changes that are kept for other handles


class EventLog:
    """Events, decisions and profiles in one SQLite file (WAL, every commit synced) and in Parquet files a sealed day.

    `decisions` holds those that were made, see `DecisionLog`.

    Safe to use from many threads: they share one writer thread that commits what is waiting together. Reading never
    waits for writing. Times are microseconds since 1970, UTC. Close it, or use it as a context manager.
    """

    def __init__(self, path: str | Path, dialect: Dialect = SQLITE) -> None:
        """Open the log at `path`, or begin one; what a crash left half done is finished first.

        Raises `LogDamaged` when what is there cannot be read safely, `LogReadOnly` when it may not be written.
        """
        self._store = opened(Path(path), dialect)
        self.decisions = DecisionLog(self._store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Commit what is queued and let go of the files."""
        self._store.close()

    @property
    def id(self) -> str:
        """What tells this log from every other: random, made with it, shared with its sealed days."""
        with self._store.reading() as cursor:
            (own,) = cursor.execute("SELECT id FROM matinee_log").fetchone()
        return str(own)

    @property
    def trouble(self) -> str:
        """Why the log cannot be written just now, as of the last try; empty when all is well.

        Where the last write failed, a small one is tried, so that this tells when writing succeeds again.
        """
        if self._store.writer.trouble:
            with suppress(MatineeError):
                self._store.do(lambda cursor: cursor.execute(sql.TRY) and None)
        return self._store.writer.trouble

    def changes(self, since: int) -> tuple[int, frozenset[str] | None]:
        """The log's version now, and the members that another handle wrote about since version `since`.

        A change is a new event, a stored profile or a deletion, by this process or another, but not through this
        `EventLog`. None means all members: more changed than the log keeps, or nobody knows. Microseconds when
        nothing is new, so ask before every answer that rests on what you remember; begin with `changes(0)`.
        """
        with self._store.reading() as cursor:
            now: int = cursor.execute(sql.LAST_CHANGE).fetchone()[0] or 0
            if now == since:
                return now, frozenset()
            theirs = {user_id for (user_id,) in cursor.execute(sql.CHANGES_OF_OTHERS, (since, self._store.name))}
            first = cursor.execute(sql.FIRST_CHANGE).fetchone()[0] or 0
        return now, None if since > now or since + 1 < first or None in theirs else frozenset(theirs)

    def submit_events(self, rows: Sequence[Mapping[str, Any]], received: int | None = None) -> Future[list[int]]:
        """Queue clean events (keys of `events.SCHEMA`; timestamp as microseconds or datetime).

        They are `received` then (microseconds since 1970, UTC), whatever the rows say; now if left out.
        The future resolves once they are on disk: the place of each new event in the order of arrival, from 1, and 0
        where its `event_id` was known of that member. Raises `BadData` at once when a row lacks a required field.
        """
        arrived = time.time_ns() // 1_000 if received is None else received
        ready = [log_rows.event_row(row, arrived) for row in rows]
        return self._store.writer.run(lambda cursor: _insert_events(cursor, ready, self._store.name))

    def append_events(self, rows: Sequence[Mapping[str, Any]], received: int | None = None) -> list[bool]:
        """`submit_events`, and wait until they are on disk: which of them are new."""
        return [place > 0 for place in self.submit_events(rows, received).result()]

    @property
    def arrived(self) -> int:
        """The place of the latest event in the order of arrival, 0 without one."""
        with self._store.reading() as cursor:
            return int(cursor.execute(self._store.dialect.arrived).fetchone()[0] or 0)

    def import_events(self, frame: pl.DataFrame, progress: Callable[[int], None] | None = None) -> int:
        """Append a clean frame (`events.SCHEMA`); `progress` hears the rows done. Returns how many were new.

        `received` stays as the frame has it: null for what arrived at its own time, as far as anybody knows.
        """
        new = 0
        for start in range(0, frame.height, _IMPORTED_AT_ONCE):
            rows = log_rows.event_rows(frame.slice(start, _IMPORTED_AT_ONCE))
            places = self._store.writer.run(partial(_insert_events, rows=rows, writer=self._store.name)).result()
            new += sum(place > 0 for place in places)
            if progress:
                progress(start + len(rows))
        return new

    def read(
        self,
        as_of: int,
        since: int | None = None,
        kinds: Sequence[str] | None = None,
        user_ids: Sequence[str] | None = None,
        arrived: int | None = None,
        places: bool = False,
    ) -> pl.DataFrame:
        """Events of [since, as_of), sealed and live, as `events.SCHEMA` ordered by timestamp, then arrival.

        Of all members, or of `user_ids`; those of a visitor are only read where that names them.

        With `arrived`, only those that had arrived by that place in the order of arrival; with `places`, as
        `schema.SEQUENCED`: each with its own place `seq`, null where its day was sealed without.
        Of sealed days only those are opened that hold something of `user_ids`, unless these are many. Raises
        `LogDamaged` when the database or a sealed file that was opened is not as it was written.
        """

        def look() -> pl.DataFrame:
            days, live = self._snapshot(as_of, since, kinds, user_ids)
            return pl.concat([*(read_day(self._store.folder, day) for day in days if day.overlaps(as_of, since)), live])

        stamp = pl.col("timestamp").cast(pl.Int64)
        found = self._store.steady(sql.EVENTS, look).filter(
            stamp < as_of,
            True if since is None else stamp >= since,
            True if kinds is None else pl.col("kind").is_in(list(kinds)),
            ~of_visitors() if user_ids is None else pl.col("user_id").is_in(list(user_ids)),
            True if arrived is None else pl.col("seq").fill_null(0) <= arrived,
        )
        return found.sort(sql.EVENTS.order).select((sql.SEQUENCED if places else SCHEMA).keys())

    def put_profiles(self, profiles: Sequence[Profile]) -> None:
        """Store profiles, replacing those of the same `user_id`; on disk when it returns."""
        ready = [log_rows.profile_row(profile) for profile in profiles]
        self._store.writer.run(lambda cursor: _put_profiles(cursor, ready, self._store.name)).result()

    def add_profiles(self, profiles: Sequence[Profile]) -> None:
        """Store the profiles of members who have none yet; what is stored already stays as it is."""
        ready = [log_rows.profile_row(profile) for profile in profiles]
        self._store.writer.run(lambda cursor: _add_profiles(cursor, ready, self._store.name)).result()

    def put_profile(self, profile: Profile) -> None:
        """Store one profile, replacing that of the same `user_id`."""
        self.put_profiles([profile])

    def change_profile(self, user_id: str, change: Callable[[Profile], Profile]) -> Profile:
        """Store what `change` makes of a member's profile as it is then, and return it: no other change is lost."""

        def changed(cursor: Cursor) -> Profile:
            found = cursor.execute(sql.FIND_PROFILE, (user_id,)).fetchone()
            new = change(log_rows.profile_of(found[0]) if found else Profile(user_id))
            _put_profiles(cursor, [log_rows.profile_row(new)], self._store.name)
            return new

        return self._store.do(changed)

    def profile(self, user_id: str) -> Profile | None:
        """A member's profile, or None."""
        with self._store.reading() as cursor:
            found = cursor.execute(sql.FIND_PROFILE, (user_id,)).fetchone()
        return log_rows.profile_of(found[0]) if found else None

    def profiles(self, prefix: str = "", n: int = 50) -> list[Profile]:
        """At most `n` profiles whose name or id starts with `prefix`, short ids first."""
        values = (log_rows.starting_with(prefix.casefold()), log_rows.starting_with(prefix), n)
        with self._store.reading() as cursor:
            return [log_rows.profile_of(record) for (record,) in cursor.execute(sql.LIST_PROFILES, values)]

    def recent_profiles(self, n: int = 50) -> list[Profile]:
        """At most `n` stored profiles: those of members who did something or were changed last, then short ids."""
        with self._store.reading() as cursor:
            return [log_rows.profile_of(record) for (record,) in cursor.execute(sql.RECENT_PROFILES, (n,))]

    def seal(self, before: date) -> list[Path]:
        """Move the whole days before `before` into Parquet files; returns the files written.

        One a day holds its events, one its decisions. What comes late for a sealed day waits in the database and joins
        its file at the next sealing. An `event_id` stays taken. A crash at any moment neither loses nor doubles
        anything. Others write meanwhile.
        """
        end = int(datetime(before.year, before.month, before.day, tzinfo=UTC).timestamp()) * 1_000_000
        written = []
        with self._store.upkeep:
            log_forget.finish(self._store)
            for book in sql.BOOKS.values():
                for number in log_sealing.open_days(self._store, book, end):
                    file = log_sealing.seal_day(self._store, book, number)
                    written += [file] if file else []
            log_sealing.sweep(self._store)
        return written

    def delete_member(self, user_id: str) -> dict[str, int]:
        """Remove every trace of a member; when it returns, no file of the log holds it. Returns rows removed by table.

        Takes time in proportion to the log, in short steps between which others write; deletions that wait share it.
        What is submitted after the call has started counts as a new record of that member. A deletion that is cut
        off is finished when the log is opened next. Costs nothing where there is no trace.
        """
        return self.delete_members([user_id])

    def delete_members(self, user_ids: Sequence[str]) -> dict[str, int]:
        """`delete_member` for each of these, in the time that one takes; what was removed of all."""
        begun = [log_forget.begin(self._store, one) for one in user_ids]
        if any(one is not None for one in begun):
            with self._store.upkeep:
                deletions = log_forget.finish(self._store)
                log_sealing.sweep(self._store)
                self._store.dialect.compact(self._store, deletions)
        counts = [one for one in begun if one is not None]
        return {table: sum(one[table] for one in counts) for table in ("events", "decisions", "profiles")}

    def visitors(self) -> dict[str, int]:
        """The ids of visitors of whom there is anything, and when something was last logged of each (microseconds since
        1970, UTC); 0 of those of whom only a profile is stored.
        """
        with self._store.reading() as cursor:
            return {user_id: int(latest) for user_id, latest in cursor.execute(sql.VISITORS)}

    def check(self) -> Thinned:
        """Read everything and compare it with what was written. Raises `LogDamaged` naming the damaged part.

        Returns which of its decisions stand for more than themselves, where it was thinned.
        """
        check_quickly(self._store)
        for book in sql.BOOKS.values():
            self._store.steady(book, partial(self._store.read_all, book))
        return self.decisions.thinned()

    def _snapshot(
        self, as_of: int, since: int | None, kinds: Sequence[str] | None, user_ids: Sequence[str] | None
    ) -> tuple[list[SealedDay], pl.DataFrame]:
        """The sealed days (of few `user_ids`: theirs) and the events that no sealed file holds, as of one moment."""
        with self._store.reading() as cursor:
            cursor.execute("BEGIN")
            days = sealed_days(cursor, sql.EVENTS)
            moving = cursor.execute(sql.MOVING, (sql.EVENTS.table,)).fetchall()
            if user_ids is not None and len(user_ids) <= sql.FEW:
                theirs = {
                    day for (day,) in cursor.execute(sql.sealed_days_of(sql.EVENTS, len(user_ids)), list(user_ids))
                }
                theirs |= {day for day, _, _ in moving}
                days = [sealed for sealed in days if sealed.day in theirs]
            return days, log_sealing.frame_of(cursor, *sql.select_events(as_of, since, kinds, user_ids, moving))


def _insert_events(cursor: Cursor, rows: list[tuple[Any, ...]], writer: int) -> list[int]:
    """The place of each in the order of arrival, 0 where it was known."""
    statement = sql.insert_event(generation(cursor))
    places = []
    for row in rows:
        event_id, user_id = row[:2]
        known = cursor.execute(sql.FIND_EVENT, (user_id, event_id) * 2).fetchone()
        places.append(0 if known else cursor.placed(statement, row))
    _note_changes(cursor, writer, {row[1] for row, place in zip(rows, places, strict=True) if place})
    return places


def _put_profiles(cursor: Cursor, rows: list[tuple[str, str, str]], writer: int) -> None:
    users = [(user_id,) for user_id, *_ in rows]
    for old in sql.GENERATIONS:
        cursor.executemany(sql.delete_profile(old), users)
    cursor.executemany(sql.insert_profile(generation(cursor)), {row[0]: row for row in rows}.values())
    _note_changes(cursor, writer, {user_id for (user_id,) in users})


def _add_profiles(cursor: Cursor, rows: list[tuple[str, str, str]], writer: int) -> None:
    _put_profiles(cursor, [row for row in rows if not cursor.execute(sql.FIND_PROFILE, row[:1]).fetchone()], writer)


def _note_changes(cursor: Cursor, writer: int, user_ids: Collection[str]) -> None:
    """Tell other handles that these members changed; of many at once, that all did."""
    told: Collection[str | None] = user_ids if len(user_ids) <= _TOLD_AT_ONCE else [None]
    cursor.executemany(sql.PUT_CHANGE, [(writer, user_id) for user_id in told])
    cursor.execute(sql.TRIM_CHANGES, (_CHANGES_KEPT,))
