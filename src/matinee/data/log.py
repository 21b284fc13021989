"""The event log: append-only, idempotent, durable. What it acknowledged is on disk; what it returns was verified."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson
import polars as pl

from matinee.data import log_schema as sql
from matinee.data.log_sealed import ORDER, SealedDay, check_sizes, day_name, read_day, sweep, write_day
from matinee.data.log_writer import Writer
from matinee.errors import LogDamaged, NotFound
from matinee.events import DAY
from matinee.profile import Profile

T = TypeVar("T")
_IMPORTED_AT_ONCE = 20_000  # rows of one write while importing


class EventLog:
    """Events, decisions and profiles in one SQLite file (WAL, every commit synced) and one Parquet file a sealed day.

    Safe to use from many threads: they share one writer thread that commits what is waiting together. Reading never
    waits for writing. Times are microseconds since 1970, UTC. Close it, or use it as a context manager.
    """

    def __init__(self, path: Path) -> None:
        """Open the log at `path`, or begin one. Raises `LogDamaged` when what is there cannot be read safely."""
        self._path = path
        self._folder = path.with_name(path.name + ".sealed")
        if not path.exists():
            _create(path)
        connection = _connect(path)
        try:
            self._check_quickly()
        except LogDamaged:
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
        self._writer.close()

    def submit_events(self, rows: Sequence[Mapping[str, Any]]) -> Future[list[bool]]:
        """Queue clean events (keys of `events.SCHEMA`; timestamp as microseconds or datetime).

        The future resolves once they are on disk: True where the event is new, False where its `event_id` was
        known. Raises `BadData` at once when a row lacks a required field.
        """
        ready = [sql.event_row(row) for row in rows]
        return self._writer.run(lambda cursor: _insert_events(cursor, ready))

    def append_events(self, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
        """`submit_events`, and wait until they are on disk."""
        return self.submit_events(rows).result()

    def import_events(self, frame: pl.DataFrame, progress: Callable[[int], None] | None = None) -> int:
        """Append a clean frame (`events.SCHEMA`); `progress` hears the rows done. Returns how many were new."""
        new = 0
        for start in range(0, frame.height, _IMPORTED_AT_ONCE):
            rows = sql.event_rows(frame.slice(start, _IMPORTED_AT_ONCE))
            new += sum(self._writer.run(partial(_insert_events, rows=rows)).result())
            if progress:
                progress(start + len(rows))
        return new

    def submit_decisions(self, records: Sequence[dict[str, Any]]) -> Future[None]:
        """Queue what `Decisions.record` gives; the future resolves once it is on disk. A known id changes nothing."""
        ready = [sql.decision_row(record) for record in records]
        return self._writer.run(lambda cursor: _many(cursor, sql.INSERT_DECISION, ready))

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
        """Events of [since, as_of), sealed and live, as `events.SCHEMA` ordered by timestamp, then event_id.

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
        return found.sort(ORDER)

    def decision(self, decision_id: str) -> dict[str, Any]:
        """One decision record. Raises `NotFound`."""
        with self._reading() as cursor:
            found = cursor.execute(sql.FIND_DECISION, (decision_id,)).fetchone()
        if found is None:
            raise NotFound(f"no decision {decision_id!r} is in the log; check the id, or its member was deleted")
        record: dict[str, Any] = orjson.loads(found[0])
        return record

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
        ready = [sql.profile_row(profile) for profile in profiles]
        self._writer.run(lambda cursor: _many(cursor, sql.PUT_PROFILE, ready)).result()

    def add_profiles(self, profiles: Sequence[Profile]) -> None:
        """Store the profiles of members who have none yet; what is stored already stays as it is."""
        ready = [sql.profile_row(profile) for profile in profiles]
        self._writer.run(lambda cursor: _many(cursor, sql.ADD_PROFILE, ready)).result()

    def put_profile(self, profile: Profile) -> None:
        """Store one profile, replacing that of the same `user_id`."""
        self.put_profiles([profile])

    def profile(self, user_id: str) -> Profile | None:
        """A member's profile, or None."""
        with self._reading() as cursor:
            found = cursor.execute(sql.FIND_PROFILE, (user_id,)).fetchone()
        return sql.profile_of(found[0]) if found else None

    def profiles(self, prefix: str = "", n: int = 50) -> list[Profile]:
        """At most `n` profiles whose name or id starts with `prefix`, short ids first."""
        values = (sql.starting_with(prefix.casefold()), sql.starting_with(prefix), n)
        with self._reading() as cursor:
            return [sql.profile_of(record) for (record,) in cursor.execute(sql.LIST_PROFILES, values)]

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
            _check_version(cursor, self._path)
            _check_structure(cursor, self._path)
        self._steady(lambda: check_sizes(self._folder, self._snapshot()[0]))

    def _seal_day(self, cursor: sqlite3.Cursor, number: int) -> SealedDay:
        span = (number * DAY, (number + 1) * DAY)
        day = day_name(number)
        before = {sealed.day: sealed for sealed in _sealed(cursor)}.get(day)
        live = sql.event_frame(cursor.execute(sql.EVENTS_OF_DAY, span).fetchall())
        frame = pl.concat([read_day(self._folder, before), live]) if before else live
        sealed = write_day(self._folder, day, before, frame)
        cursor.execute(sql.PUT_SEALED, (sealed.day, sealed.file, sealed.sha256, sealed.size))
        cursor.execute(sql.MOVE_IDS_OF_DAY, (day, *span))
        cursor.execute(sql.DELETE_EVENTS_OF_DAY, span)
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
        counts = {
            table: cursor.execute(sql.delete_member_from(table), (user_id,)).rowcount for table in sql.MEMBER_TABLES
        }
        counts["events"] += counts.pop("sealed_ids")
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
            return days, sql.event_frame(cursor.execute(query, values).fetchall() if query else [])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Cursor]:
        try:
            with closing(_connect(self._path, readonly=True)) as connection:
                yield connection.cursor()
        except sqlite3.DatabaseError as error:
            raise _unreadable(self._path, str(error)) from error


def _connect(path: Path, readonly: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode; what is deleted through it is overwritten with zeros."""
    if readonly:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30, isolation_level=None)
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.DatabaseError as error:
        raise _unreadable(path, str(error)) from error
    return connection


def _create(path: Path) -> None:
    """Begin a log: made whole under another name, so that a file at `path` is never a beginning of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    with closing(_connect(draft)) as connection:
        for statement in sql.TABLES:
            connection.execute(statement)
        connection.execute(f"INSERT INTO matinee_schema (version) VALUES ({sql.MARK})", (sql.VERSION,))
    draft.replace(path)


def _check_version(cursor: sqlite3.Cursor, path: Path) -> None:
    tables = {name for (name,) in cursor.execute("SELECT name FROM sqlite_master")}
    if "matinee_schema" not in tables:
        raise _unreadable(path, "it is empty or no event log of Matinee")
    (version,) = cursor.execute("SELECT version FROM matinee_schema").fetchone()
    if version != sql.VERSION:
        raise LogDamaged(
            f"the event log {path} has schema {version}, this Matinee knows {sql.VERSION}; install the Matinee that "
            "wrote it, or a newer one"
        )


def _check_structure(cursor: sqlite3.Cursor, path: Path) -> None:
    found = [line for (line,) in cursor.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise _unreadable(path, "; ".join(found))


def _unreadable(path: Path, why: str) -> LogDamaged:
    return LogDamaged(
        f"the event log {path} cannot be read safely: {why}; restore it from a backup, "
        "or move it away to begin a new one"
    )


def _sealed(cursor: sqlite3.Cursor) -> list[SealedDay]:
    return [SealedDay(*row) for row in cursor.execute(sql.LIST_SEALED).fetchall()]


def _insert_events(cursor: sqlite3.Cursor, rows: list[tuple[Any, ...]]) -> list[bool]:
    return [
        cursor.execute(sql.FIND_SEALED_ID, row[:1]).fetchone() is None
        and cursor.execute(sql.INSERT_EVENT, row).rowcount == 1
        for row in rows
    ]


def _many(cursor: sqlite3.Cursor, statement: str, rows: list[tuple[Any, ...]]) -> None:
    cursor.executemany(statement, rows)


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
