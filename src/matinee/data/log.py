"""The event log: append-only, idempotent, durable. What it acknowledged is on disk; what it returns was verified."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Self, TypeVar
from weakref import WeakSet

import orjson
import polars as pl

from matinee.data import log_rows
from matinee.data import log_schema as sql
from matinee.data.log_file import Connection, check_structure, connect, create, open_for_writing, unreadable
from matinee.data.log_sealed import ORDER, SealedDay, check_sizes, day_name, read_day, sweep, write_day
from matinee.data.log_writer import Writer
from matinee.errors import LogDamaged, NotFound
from matinee.events import DAY, SCHEMA
from matinee.profile import Profile

T = TypeVar("T")
_IMPORTED_AT_ONCE = 20_000  # rows of one write while importing
_TOLD_AT_ONCE = 1_000  # members that one write names to other handles; of more it says that all changed
_CHANGES_KEPT = 10_000  # changes that are kept for other handles


class EventLog:
    """Events, decisions and profiles in one SQLite file (WAL, every commit synced) and one Parquet file a sealed day.

    Safe to use from many threads: they share one writer thread that commits what is waiting together. Reading never
    waits for writing. Times are microseconds since 1970, UTC. Close it, or use it as a context manager.
    """

    def __init__(self, path: Path) -> None:
        """Open the log at `path`, or begin one. Raises `LogDamaged` when what is there cannot be read safely."""
        self._path = path
        self._folder = path.with_name(path.name + ".sealed")
        self._name = secrets.randbits(62)  # tells this handle's changes from those of others
        self._mine = threading.local()  # the thread's connection for reading
        self._readers: WeakSet[Connection] = WeakSet()
        if not path.exists():
            create(path)
        connection = open_for_writing(path)
        try:
            self._check_quickly()
        except LogDamaged:
            self._close_readers()
            connection.close()
            raise
        self._writer = Writer(connection)
        self._sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Commit what is queued and let go of the files."""
        self._close_readers()
        self._writer.close()

    def changes(self, since: int) -> tuple[int, frozenset[str] | None]:
        """The log's version now, and the members that another handle wrote about since version `since`.

        A change is a new event, a stored profile or a deletion, by this process or another, but not through this
        `EventLog`. None means all members: more changed than the log keeps, or nobody knows. Microseconds when
        nothing is new, so ask before every answer that rests on what you remember; begin with `changes(0)`.
        """
        with self._reading() as cursor:
            now: int = cursor.execute(sql.LAST_CHANGE).fetchone()[0] or 0
            if now == since:
                return now, frozenset()
            theirs = {user_id for (user_id,) in cursor.execute(sql.CHANGES_OF_OTHERS, (since, self._name))}
            first = cursor.execute(sql.FIRST_CHANGE).fetchone()[0] or 0
        return now, None if since > now or since + 1 < first or None in theirs else frozenset(theirs)

    def submit_events(self, rows: Sequence[Mapping[str, Any]]) -> Future[list[bool]]:
        """Queue clean events (keys of `events.SCHEMA`; timestamp as microseconds or datetime).

        The future resolves once they are on disk: True where the event is new, False where its `event_id` was
        known of that member. Raises `BadData` at once when a row lacks a required field.
        """
        ready = [log_rows.event_row(row) for row in rows]
        return self._writer.run(lambda cursor: _insert_events(cursor, ready, self._name))

    def append_events(self, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
        """`submit_events`, and wait until they are on disk."""
        return self.submit_events(rows).result()

    def import_events(self, frame: pl.DataFrame, progress: Callable[[int], None] | None = None) -> int:
        """Append a clean frame (`events.SCHEMA`); `progress` hears the rows done. Returns how many were new."""
        new = 0
        for start in range(0, frame.height, _IMPORTED_AT_ONCE):
            rows = log_rows.event_rows(frame.slice(start, _IMPORTED_AT_ONCE))
            new += sum(self._writer.run(partial(_insert_events, rows=rows, writer=self._name)).result())
            if progress:
                progress(start + len(rows))
        return new

    def submit_decisions(self, records: Sequence[dict[str, Any]]) -> Future[None]:
        """Queue what `record_of` gives; the future resolves once it is on disk. A known id changes nothing."""
        ready = [log_rows.decision_row(record) for record in records]
        return self._writer.run(lambda cursor: _insert_decisions(cursor, ready))

    def append_decisions(self, records: Sequence[dict[str, Any]]) -> None:
        """`submit_decisions`, and wait until they are on disk."""
        self.submit_decisions(records).result()

    def read(
        self,
        as_of: int,
        since: int | None = None,
        kinds: Sequence[str] | None = None,
        user_ids: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Events of [since, as_of), sealed and live, as `events.SCHEMA` ordered by timestamp, then arrival.

        Of sealed days only those are opened that hold something of `user_ids`, unless these are many. Raises
        `LogDamaged` when the database or a sealed file that was opened is not as it was written.
        """
        query, values = sql.select_events(as_of, since, kinds, user_ids)

        def look() -> pl.DataFrame:
            days, live = self._snapshot(query, values, user_ids)
            return pl.concat([*(read_day(self._folder, day) for day in days if day.overlaps(as_of, since)), live])

        stamp = pl.col("timestamp").cast(pl.Int64)
        found = self._steady(look).filter(
            stamp < as_of,
            True if since is None else stamp >= since,
            True if kinds is None else pl.col("kind").is_in(list(kinds)),
            True if user_ids is None else pl.col("user_id").is_in(list(user_ids)),
        )
        return found.sort(ORDER).select(SCHEMA.keys())

    def decision(self, decision_id: str) -> dict[str, Any]:
        """One decision record. Raises `NotFound`."""
        with self._reading() as cursor:
            found = cursor.execute(sql.FIND_DECISION, (decision_id,)).fetchone()
        if found is None:
            raise NotFound(f"no decision {decision_id!r} is in the log; check the id, or its member was deleted")
        record: dict[str, Any] = orjson.loads(found[0])
        return record

    def decisions_of(self, user_id: str) -> list[dict[str, Any]]:
        """All decision records of a member, oldest first."""
        with self._reading() as cursor:
            return [orjson.loads(record) for (record,) in cursor.execute(sql.DECISIONS_OF_MEMBER, (user_id,))]

    def read_decisions(
        self, as_of: int, since: int | None = None, surface: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The decision records of [since, as_of), oldest first, read a thousand at a time."""
        at, last = (0 if since is None else since), ""
        while True:
            with self._reading() as cursor:
                page = cursor.execute(sql.PAGE_OF_DECISIONS, (at, last, as_of)).fetchall()
            if not page:
                return
            at, last, _ = page[-1]
            records = (orjson.loads(record) for _, _, record in page)
            yield from (record for record in records if surface in (None, record["surface"]))

    def put_profiles(self, profiles: Sequence[Profile]) -> None:
        """Store profiles, replacing those of the same `user_id`; on disk when it returns."""
        ready = [log_rows.profile_row(profile) for profile in profiles]
        self._writer.run(lambda cursor: _put_profiles(cursor, ready, self._name)).result()

    def add_profiles(self, profiles: Sequence[Profile]) -> None:
        """Store the profiles of members who have none yet; what is stored already stays as it is."""
        ready = [log_rows.profile_row(profile) for profile in profiles]
        self._writer.run(lambda cursor: _add_profiles(cursor, ready, self._name)).result()

    def put_profile(self, profile: Profile) -> None:
        """Store one profile, replacing that of the same `user_id`."""
        self.put_profiles([profile])

    def profile(self, user_id: str) -> Profile | None:
        """A member's profile, or None."""
        with self._reading() as cursor:
            found = cursor.execute(sql.FIND_PROFILE, (user_id,)).fetchone()
        return log_rows.profile_of(found[0]) if found else None

    def profiles(self, prefix: str = "", n: int = 50) -> list[Profile]:
        """At most `n` profiles whose name or id starts with `prefix`, short ids first."""
        values = (log_rows.starting_with(prefix.casefold()), log_rows.starting_with(prefix), n)
        with self._reading() as cursor:
            return [log_rows.profile_of(record) for (record,) in cursor.execute(sql.LIST_PROFILES, values)]

    def seal(self, before: date) -> list[Path]:
        """Move the whole days before `before` into Parquet files, one a day; returns the files written.

        Events that come late for a sealed day wait in the database and join its file at the next sealing. An
        `event_id` stays taken. A crash at any moment neither loses nor doubles an event.
        """
        end = int(datetime(before.year, before.month, before.day, tzinfo=UTC).timestamp()) * 1_000_000
        with self._reading() as cursor:
            days = [number for (number,) in cursor.execute(sql.OPEN_DAYS, (end,))]
        written = []
        for number in days:
            sealed = self._writer.run(partial(self._seal_day, number=number)).result()
            written.append(self._folder / sealed.file)
        self._sweep()
        return written

    def delete_member(self, user_id: str) -> dict[str, int]:
        """Remove every trace of a member; when it returns, no file of the log holds it. Returns rows removed by table.

        Rewrites the sealed days that mention the member and the database file (VACUUM): time grows with both.
        What is submitted after the call has started counts as a new record of that member.
        """
        counts = self._writer.run(lambda cursor: self._forget(cursor, user_id)).result()
        self._sweep()
        self._writer.run(_rewrite, alone=True).result()
        return counts

    def check(self) -> None:
        """Read everything and compare it with what was written. Raises `LogDamaged` naming the damaged part."""
        self._check_quickly()
        self._steady(lambda: [read_day(self._folder, day).height for day in self._snapshot()[0]])

    def _check_quickly(self) -> None:
        """The database's structure, and that every sealed file is there in its full length."""
        with self._reading() as cursor:
            check_structure(cursor.connection, self._path)
        self._steady(lambda: check_sizes(self._folder, self._snapshot()[0]))

    def _seal_day(self, cursor: sqlite3.Cursor, number: int) -> SealedDay:
        span = (number * DAY, (number + 1) * DAY)
        day = day_name(number)
        before = {sealed.day: sealed for sealed in _sealed(cursor)}.get(day)
        live = log_rows.event_frame(cursor.execute(sql.EVENTS_OF_DAY, span).fetchall())
        frame = pl.concat([read_day(self._folder, before), live]) if before else live
        sealed = write_day(self._folder, day, before, frame)
        cursor.execute(sql.PUT_SEALED, (sealed.day, sealed.file, sealed.sha256, sealed.size))
        cursor.execute(sql.move_ids_of_day(_generation(cursor)), (day, *span))
        for generation in sql.GENERATIONS:
            cursor.execute(sql.delete_events_of_day(generation), span)
        return sealed

    def _forget(self, cursor: sqlite3.Cursor, user_id: str) -> dict[str, int]:
        named = {sealed.day: sealed for sealed in _sealed(cursor)}
        for (day,) in cursor.execute(sql.sealed_days_of(1), (user_id,)).fetchall():
            others = read_day(self._folder, named[day]).filter(pl.col("user_id") != user_id)
            if others.height:
                sealed = write_day(self._folder, day, named[day], others)
                cursor.execute(sql.PUT_SEALED, (sealed.day, sealed.file, sealed.sha256, sealed.size))
            else:
                cursor.execute(sql.DROP_SEALED, (day,))
        counts = dict.fromkeys(sql.MEMBER_TABLES, 0)
        for table, generation in product(sql.MEMBER_TABLES, sql.GENERATIONS):
            counts[table] += cursor.execute(sql.delete_member_from(f"{table}_{generation}"), (user_id,)).rowcount
        counts["events"] += counts.pop("sealed_ids")
        _replace_changes(cursor, self._name)
        return counts

    def _sweep(self) -> None:
        """Remove replaced files: alone, so that what replaced them is committed and no file is being made meanwhile."""
        self._writer.run(lambda cursor: _sweep_committed(cursor, self._folder), alone=True).result()

    def _steady(self, look: Callable[[], T]) -> T:
        """What `look` finds in sealed files; again where a day was replaced under it, so that damage is never false."""
        while True:
            days, _ = self._snapshot()
            try:
                return look()
            except LogDamaged:
                if self._snapshot()[0] == days:
                    raise

    def _snapshot(
        self, query: str = "", values: Sequence[Any] = (), user_ids: Sequence[str] | None = None
    ) -> tuple[list[SealedDay], pl.DataFrame]:
        """The sealed days (of few `user_ids`: theirs) and the rows of a query on live events, as of one moment."""
        with self._reading() as cursor:
            cursor.execute("BEGIN")
            days = _sealed(cursor)
            if user_ids is not None and len(user_ids) <= sql.FEW:
                theirs = {day for (day,) in cursor.execute(sql.sealed_days_of(len(user_ids)), list(user_ids))}
                days = [sealed for sealed in days if sealed.day in theirs]
            return days, log_rows.event_frame(cursor.execute(query, values).fetchall() if query else [])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Cursor]:
        """A cursor of this thread's own connection, which stays open; no transaction outlives the block."""
        try:
            connection: Connection | None = getattr(self._mine, "connection", None)
            if connection is None:
                connection = self._mine.connection = connect(self._path, readonly=True)
                self._readers.add(connection)
            with closing(connection.cursor()) as cursor:
                try:
                    yield cursor
                finally:
                    if connection.in_transaction:
                        connection.rollback()
        except sqlite3.DatabaseError as error:
            raise unreadable(self._path, str(error)) from error

    def _close_readers(self) -> None:
        self._mine = threading.local()
        for connection in list(self._readers):
            connection.close()


def _sealed(cursor: sqlite3.Cursor) -> list[SealedDay]:
    return [SealedDay(*row) for row in cursor.execute(sql.LIST_SEALED).fetchall()]


def _generation(cursor: sqlite3.Cursor) -> str:
    """The generation of tables that takes what is new."""
    (generation,) = cursor.execute(sql.GENERATION).fetchone()
    return str(generation)


def _insert_events(cursor: sqlite3.Cursor, rows: list[tuple[Any, ...]], writer: int) -> list[bool]:
    statement = sql.insert_event(_generation(cursor))
    new = []
    for row in rows:
        event_id, user_id = row[:2]
        new.append(cursor.execute(sql.FIND_EVENT, (user_id, event_id)).fetchone() is None)
        if new[-1]:
            cursor.execute(statement, row)
    _note_changes(cursor, writer, {row[1] for row, is_new in zip(rows, new, strict=True) if is_new})
    return new


def _insert_decisions(cursor: sqlite3.Cursor, rows: list[tuple[Any, ...]]) -> None:
    statement = sql.insert_decision(_generation(cursor))
    for row in rows:
        if cursor.execute(sql.FIND_DECISION, row[:1]).fetchone() is None:
            cursor.execute(statement, row)


def _put_profiles(cursor: sqlite3.Cursor, rows: list[tuple[str, str, str]], writer: int) -> None:
    users = [(user_id,) for user_id, *_ in rows]
    for generation in sql.GENERATIONS:
        cursor.executemany(sql.delete_member_from(f"profiles_{generation}"), users)
    cursor.executemany(sql.insert_profile(_generation(cursor)), {row[0]: row for row in rows}.values())
    _note_changes(cursor, writer, {user_id for (user_id,) in users})


def _add_profiles(cursor: sqlite3.Cursor, rows: list[tuple[str, str, str]], writer: int) -> None:
    _put_profiles(cursor, [row for row in rows if not cursor.execute(sql.FIND_PROFILE, row[:1]).fetchone()], writer)


def _note_changes(cursor: sqlite3.Cursor, writer: int, user_ids: Collection[str]) -> None:
    """Tell other handles that these members changed; of many at once, that all did."""
    told: Collection[str | None] = user_ids if len(user_ids) <= _TOLD_AT_ONCE else [None]
    cursor.executemany(sql.PUT_CHANGE, [(writer, user_id) for user_id in told])
    cursor.execute(sql.TRIM_CHANGES, (_CHANGES_KEPT,))


def _replace_changes(cursor: sqlite3.Cursor, writer: int) -> None:
    """Tell other handles that all members changed, and name none."""
    cursor.execute(sql.PUT_CHANGE, (writer, None))
    cursor.execute(sql.TRIM_CHANGES, (1,))


def _sweep_committed(cursor: sqlite3.Cursor, folder: Path) -> None:
    """Sweep by what is committed, in a transaction of its own that keeps other processes from sealing meanwhile."""
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise LogDamaged(
            f"replaced files in {folder} could not be removed: {error}; what was asked is stored; call it again once "
            "no other program holds the log"
        ) from error
    try:
        sweep(folder, _sealed(cursor))
    finally:
        cursor.execute("ROLLBACK")


def _rewrite(cursor: sqlite3.Cursor) -> None:
    """Copy the database without its free space, and empty the write-ahead log: nothing deleted is left in a file."""
    cursor.execute("VACUUM")
    (busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise LogDamaged("a reader held the write-ahead log for 30 s; the deletion is stored, call it again to finish")
