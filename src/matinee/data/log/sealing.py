"""Sealing beside the service: a day's file is made by the caller, then its events leave the database in short steps.

One commit makes the file count. From then on its events in the live table are not read, and move out step by step. A
crash before that commit leaves a spent file, a crash after it leaves steps that the next opening takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from matinee.data.log import rows as log_rows
from matinee.data.log import schema as sql
from matinee.data.log.bodies import columns_of_bodies
from matinee.data.log.dialect import Cursor
from matinee.data.log.schema import BOOKS, EVENTS, Book
from matinee.data.log.sealed import SealedDay, day_name, day_number, is_part, mark, names_of, read_day, write_day
from matinee.data.log.store import Store, for_a_step, generation, sealed_days
from matinee.decision.columns import DECIDED
from matinee.events import DAY

BATCH = 100  # rows between two looks at the clock
CHUNK = 10_000  # rows that become a frame at once


def seal_day(store: Store, book: Book, number: int) -> Path | None:
    """Make all that the database holds of a day part of its sealed file, and parts of a file one.

    None where there is nothing to do, and where a deletion or another process came between.
    """
    day, start = day_name(number), number * DAY
    with store.reading() as cursor:
        cursor.execute("BEGIN")
        before, asked = named(cursor, book, day), _deletions(cursor)
        live, until = _live(cursor, book, start)
    if live.is_empty() and len(before) < 2:
        return None
    frame = pl.concat([*(read_day(store.folder, one) for one in before), live])
    sealed = make_file(store, book, day, before, frame)

    def count(cursor: Cursor) -> bool:
        idle = _deletions(cursor) == asked and not cursor.execute(sql.FORGOTTEN).fetchall()
        if not idle or not replace(cursor, before, sealed):
            return False
        moving = "INSERT INTO moving (book, day, start, until) VALUES (?, ?, ?, ?)"
        cursor.execute(moving, (book.table, day, start, until))
        return True

    counts = store.do(count)
    finish(store)
    return store.folder / sealed.file if counts else None


def open_days(store: Store, book: Book, end: int) -> list[int]:
    """The days before `end` (microseconds since 1970) of which not all lies in one file."""
    with store.reading() as cursor:
        live = [number for (number,) in cursor.execute(sql.OPEN_DAYS[book.table], (end,))]
        parts = [day_number(one.day) for one in sealed_days(cursor, book) if is_part(one.file)]
    return sorted({*live, *(number for number in parts if number * DAY < end)})


def _live(cursor: Cursor, book: Book, start: int) -> tuple[pl.DataFrame, int]:
    """What the database holds of the day that begins at `start`, as the book's columns, and its last place."""
    if book is EVENTS:
        frame = frame_of(cursor, sql.EVENTS_OF_DAY, (start, start + DAY))
        return frame, int(frame["seq"].max() or 0)  # type: ignore[arg-type]
    found, until = [pl.DataFrame(schema=DECIDED)], 0
    for rows in _chunks(cursor.execute(sql.DECISIONS_OF_DAY, (start, start + DAY)), CHUNK // 10):
        found.append(columns_of_bodies([body for _, body in rows]).frame())
        until = max(until, *(seq for seq, _ in rows))
    return pl.concat(found), until


def finish(store: Store) -> None:
    """Move what is sealed out of the live tables."""
    store.in_steps(_move)


def make_file(
    store: Store, book: Book, day: str, before: Sequence[SealedDay], frame: pl.DataFrame, part: bool = False
) -> SealedDay:
    """Write a day's next file, which does not count yet; announced as spent before it is made."""
    with store.reading() as cursor:
        (log_id,) = cursor.execute("SELECT id FROM matinee_log").fetchone()
    mark(store.folder, log_id)

    def announce(cursor: Cursor) -> str:
        taken = {name for (name,) in cursor.execute(sql.NAMES_TAKEN)}
        free = (one for one in names_of(book, day, before, part) if one not in taken)
        name = next(one for one in free if not (store.folder / one).exists())
        cursor.execute("INSERT INTO spent_files (file, maker) VALUES (?, ?)", (name, store.name))
        return name

    return write_day(store.folder, book, day, store.do(announce), frame)


def replace(cursor: Cursor, before: Sequence[SealedDay], sealed: SealedDay) -> bool:
    """Let a new file count instead of those before; False when another handle was quicker."""
    book = BOOKS[sealed.book]
    mine = cursor.execute("DELETE FROM spent_files WHERE file = ?", (sealed.file,)).rowcount
    moving = cursor.execute(sql.MOVING, (book.table,)).fetchall()
    if not mine or named(cursor, book, sealed.day) != before or moving:
        if mine:
            cursor.execute("INSERT INTO spent_files (file, maker) VALUES (?, 0)", (sealed.file,))
        return False
    for one in before:
        retire(cursor, one)
    put(cursor, sealed)
    return True


def put(cursor: Cursor, sealed: SealedDay) -> None:
    """Let a file count."""
    cursor.execute(sql.PUT_SEALED, (sealed.book, sealed.day, sealed.file, sealed.sha256, sealed.size))


def retire(cursor: Cursor, before: SealedDay) -> None:
    """The file counts no more; `sweep` may remove it once this is committed."""
    cursor.execute(sql.DROP_SEALED, (before.file,))
    cursor.upsert("spent_files", "file", {"file": before.file, "maker": 0})


def sweep(store: Store, everyones: bool = False) -> None:
    """Remove replaced files and this handle's own unfinished ones, or `everyones`, in short steps."""

    def remove(cursor: Cursor) -> bool:
        def one() -> int:
            spent = cursor.execute(sql.SOME_SPENT_FILE, (store.name, everyones)).fetchone()
            if spent is None:
                return 0
            (store.folder / spent[0]).unlink(missing_ok=True)
            return cursor.execute("DELETE FROM spent_files WHERE file = ?", spent).rowcount

        return for_a_step(one)

    with store.reading() as cursor:
        if not cursor.execute("SELECT 1 FROM spent_files LIMIT 1").fetchone():
            return
    store.in_steps(remove)


def frame_of(cursor: Cursor, query: str, values: Sequence[Any]) -> pl.DataFrame:
    """Events of a query as `schema.SEQUENCED`, a chunk at a time, so that other threads run meanwhile."""
    return pl.concat([log_rows.event_frame([]), *map(log_rows.event_frame, _chunks(cursor.execute(query, values)))])


def _chunks(cursor: Cursor, size: int = CHUNK) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(size):
        yield rows


def note_members(cursor: Cursor, day: str, frames: Sequence[pl.DataFrame]) -> None:
    """Note whose decisions a day's files hold."""
    counts = pl.concat([frame.select("user_id") for frame in frames]).group_by("user_id").len()
    into = sql.insert_sealed_members(generation(cursor))
    cursor.executemany(into, ((user_id, day, n) for user_id, n in counts.iter_rows()))


def named(cursor: Cursor, book: Book, day: str) -> list[SealedDay]:
    """The files that count for a day."""
    return [sealed for sealed in sealed_days(cursor, book) if sealed.day == day]


def _deletions(cursor: Cursor) -> int:
    (asked,) = cursor.execute("SELECT asked FROM matinee_log").fetchone()
    return int(asked)


def _move(cursor: Cursor) -> bool:
    """A step of moving sealed rows out; True while there is more to do."""
    for (table, day, start, until), old in product(cursor.execute(sql.ALL_MOVING).fetchall(), sql.GENERATIONS):
        book = BOOKS[table]
        some, values = sql.some_of_day(book, old), (start, start + DAY, until, BATCH)
        put = book.whose(old, generation(cursor), some)

        def batch(
            day: str = day, old: str = f"{table}_{old}", put: str = put, some: str = some, values: Any = values
        ) -> int:
            cursor.execute(put, (day, *values))
            return cursor.execute(f"DELETE FROM {old} WHERE {some}", values).rowcount

        if for_a_step(batch):
            return True
    cursor.execute("DELETE FROM moving")
    return False
