"""Sealing beside the service: a day's file is made by the caller, then its events leave the database in short steps.

One commit makes the file count. From then on its events in the live table are not read, and move out step by step. A
crash before that commit leaves a spent file, a crash after it leaves steps that the next opening takes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from matinee.data.log import rows as log_rows
from matinee.data.log import schema as sql
from matinee.data.log.sealed import SealedDay, day_name, mark, read_day, unused_name, write_day
from matinee.data.log.store import Store, for_a_step, generation, sealed_days
from matinee.events import DAY

BATCH = 100  # rows between two looks at the clock
CHUNK = 10_000  # rows that become a frame at once


def seal_day(store: Store, number: int) -> Path | None:
    """Make the day's live events part of its sealed file; None when a deletion or another process came between."""
    day, start = day_name(number), number * DAY
    with store.reading() as cursor:
        cursor.execute("BEGIN")
        before, asked = _named(cursor, day), _deletions(cursor)
        live = frame_of(cursor, sql.EVENTS_OF_DAY, (start, start + DAY))
    if live.is_empty():
        return None
    frame = pl.concat([read_day(store.folder, before), live]) if before else live
    sealed = make_file(store, day, before, frame)
    until = int(live["seq"].max())  # type: ignore[arg-type]

    def count(cursor: sqlite3.Cursor) -> bool:
        idle = _deletions(cursor) == asked and not cursor.execute(sql.FORGOTTEN).fetchall()
        if not idle or not replace(cursor, before, sealed):
            return False
        cursor.execute("INSERT INTO moving (day, start, until) VALUES (?, ?, ?)", (day, start, until))
        return True

    counts = store.do(count)
    finish(store)
    return store.folder / sealed.file if counts else None


def finish(store: Store) -> None:
    """Move what is sealed out of the live tables."""
    store.in_steps(_move)


def make_file(store: Store, day: str, before: SealedDay | None, frame: pl.DataFrame) -> SealedDay:
    """Write a day's next file, which does not count yet; announced as spent before it is made."""
    with store.reading() as cursor:
        (log_id,) = cursor.execute("SELECT id FROM matinee_log").fetchone()
    mark(store.folder, log_id)
    name = unused_name(store.folder, day, before)
    spent = "INSERT OR REPLACE INTO spent_files (file, maker) VALUES (?, ?)"
    store.do(lambda cursor: cursor.execute(spent, (name, store.name)) and None)
    return write_day(store.folder, day, name, frame)


def replace(cursor: sqlite3.Cursor, before: SealedDay | None, sealed: SealedDay) -> bool:
    """Let a new file count instead of the one before; False when another handle was quicker."""
    mine = cursor.execute("DELETE FROM spent_files WHERE file = ?", (sealed.file,)).rowcount
    if not mine or _named(cursor, sealed.day) != before or cursor.execute(sql.MOVING).fetchall():
        if mine:
            cursor.execute("INSERT INTO spent_files (file, maker) VALUES (?, 0)", (sealed.file,))
        return False
    cursor.execute(sql.PUT_SEALED, (sealed.day, sealed.file, sealed.sha256, sealed.size))
    retire(cursor, before)
    return True


def retire(cursor: sqlite3.Cursor, before: SealedDay | None) -> None:
    """The file counts no more; `sweep` may remove it once this is committed."""
    if before:
        cursor.execute("INSERT OR REPLACE INTO spent_files (file, maker) VALUES (?, 0)", (before.file,))


def sweep(store: Store, everyones: bool = False) -> None:
    """Remove replaced files and this handle's own unfinished ones, or `everyones`."""

    def remove(cursor: sqlite3.Cursor) -> None:
        spent = cursor.execute(
            "SELECT file FROM spent_files WHERE maker IN (0, ?) OR ?", (store.name, everyones)
        ).fetchall()
        for (file,) in spent:
            (store.folder / file).unlink(missing_ok=True)
            cursor.execute("DELETE FROM spent_files WHERE file = ?", (file,))

    with store.reading() as cursor:
        if not cursor.execute("SELECT 1 FROM spent_files LIMIT 1").fetchone():
            return
    store.do(remove)


def frame_of(cursor: sqlite3.Cursor, query: str, values: Sequence[Any]) -> pl.DataFrame:
    """The rows of a query as `schema.SEQUENCED`, a chunk at a time, so that other threads run meanwhile."""
    return pl.concat([log_rows.event_frame([]), *map(log_rows.event_frame, _chunks(cursor.execute(query, values)))])


def _chunks(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(CHUNK):
        yield rows


def _named(cursor: sqlite3.Cursor, day: str) -> SealedDay | None:
    return {sealed.day: sealed for sealed in sealed_days(cursor)}.get(day)


def _deletions(cursor: sqlite3.Cursor) -> int:
    (asked,) = cursor.execute("SELECT asked FROM matinee_log").fetchone()
    return int(asked)


def _move(cursor: sqlite3.Cursor) -> bool:
    """A step of moving sealed events out; True while there is more to do."""
    for (day, start, until), old in product(cursor.execute(sql.MOVING).fetchall(), sql.GENERATIONS):
        some, values = sql.some_of_day(old), (start, start + DAY, until, BATCH)
        ids = f"SELECT user_id, event_id, ? FROM events_{old} WHERE {some}"
        put = f"INSERT INTO sealed_ids_{generation(cursor)} (user_id, event_id, day) {ids}"

        def batch(day: str = day, old: str = old, put: str = put, some: str = some, values: Any = values) -> int:
            cursor.execute(put, (day, *values))
            return cursor.execute(f"DELETE FROM events_{old} WHERE {some}", values).rowcount

        if for_a_step(batch):
            return True
    cursor.execute("DELETE FROM moving")
    return False
