"""Forgetting a member, beside the service and for good.

It is noted first, so that it is finished whatever happens. Sealed days are written again without the member, rows leave
in short steps, and then everything that is left moves to the other generation of tables, in short steps too: what
SQLite leaves of moved rows in its pages goes when the old tables are dropped. One such move serves all deletions that
were done before it began.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial

import polars as pl

from matinee.data.log import schema as sql
from matinee.data.log.file import connect
from matinee.data.log.schema import BOOKS, DECISIONS, Book
from matinee.data.log.sealed import (
    SealedDay,
    book_of,
    bytes_of,
    finished,
    first_microsecond,
    frame_of,
    read_day,
    write_durably,
)
from matinee.data.log.sealing import finish as finish_sealing
from matinee.data.log.sealing import make_file, named, note_members, replace, retire
from matinee.data.log.store import Store, for_a_step, sealed_days
from matinee.errors import LogDamaged

# rows between two looks at the clock
BATCH = {"events": 100, "sealed_ids": 200, "decisions": 50, "earlier": 20, "sealed_members": 200, "profiles": 100}
FOREVER = 2**62
PATIENCE = 30.0  # seconds that the write-ahead log may be held by readers
TRY = 0.02  # seconds of one try to empty it, in which others may not write


def begin(store: Store, user_id: str) -> dict[str, int] | None:
    """Note that the member is to be forgotten; the rows there are, by table, or None when there is nothing of them."""
    with store.reading() as cursor:
        known = any(_count(cursor, table, user_id) for table in (*sql.MEMBER_TABLES, "forgetting"))
    if not known and not finished(store.folder / "strays"):
        return None
    return store.do(lambda cursor: _note(cursor, user_id))


def finish(store: Store) -> int:
    """Forget all who are noted. Returns how many deletions are done by now, for `wipe`."""
    finish_sealing(store)
    with store.reading() as cursor:
        waiting = cursor.execute(sql.FORGOTTEN).fetchall()
    for user_id, events_until, decisions_until in waiting:
        for book in BOOKS.values():
            with store.reading() as cursor:
                days = [day for (day,) in cursor.execute(sql.sealed_days_of(book, 1), (user_id,))]
            for day in days:
                while not _forget_day(store, book, day, user_id):
                    finish_sealing(store)
        _forget_strays(store, user_id)
        for table, until in (("events", events_until), ("decisions", decisions_until), ("earlier", FOREVER)):
            for generation in sql.GENERATIONS:
                store.in_steps(partial(_leave, table=f"{table}_{generation}", user_id=user_id, until=until))
        store.do(partial(_done, user_id=user_id, writer=store.name))
    with store.reading() as cursor:
        return int(cursor.execute("SELECT asked FROM matinee_log").fetchone()[0])


def wipe(store: Store, deletions: int) -> None:
    """Leave no byte of the first so many deletions in the database and its write-ahead log."""
    while True:
        with store.reading() as cursor:
            serving, served = cursor.execute("SELECT serving, served FROM matinee_log").fetchone()
        if served >= deletions:
            return
        if serving == served:
            store.do(_turn)
        store.in_steps(_move_on)
        dropped = store.do(_drop)
        _empty_write_ahead_log(store)
        store.do(partial(_count_served, serving=dropped))


def forget_decisions(store: Store, before: int) -> int:
    """Remove the decisions made before `before` (microseconds since 1970) in short steps; returns how many."""
    removed = 0

    def step(cursor: sqlite3.Cursor, table: str) -> bool:
        def batch() -> int:
            nonlocal removed
            gone = cursor.execute(f"DELETE FROM {table} WHERE {sql.some_before(table)}", (before, BATCH["decisions"]))
            removed += gone.rowcount
            return gone.rowcount

        return for_a_step(batch)

    finish_sealing(store)
    with store.reading() as cursor:
        days = sorted({one.day for one in sealed_days(cursor, DECISIONS) if first_microsecond(one.day) < before})
    for day in days:
        while (gone := _forget_until(store, day, before)) is None:
            finish_sealing(store)
        removed += gone
    for table in ("decisions", "earlier"):
        for generation in sql.GENERATIONS:
            store.in_steps(partial(step, table=f"{table}_{generation}"))
    return removed


def replace_changes(cursor: sqlite3.Cursor, writer: int) -> None:
    """Tell other handles that all members changed, and name none."""
    (last,) = cursor.execute(sql.LAST_CHANGE).fetchone()
    cursor.execute("DROP TABLE changes")
    cursor.execute(sql.CHANGES)
    cursor.execute("INSERT INTO changes (seq, writer, user_id) VALUES (?, ?, NULL)", ((last or 0) + 1, writer))


def _count(cursor: sqlite3.Cursor, table: str, user_id: str) -> int:
    return int(cursor.execute(f"SELECT count(*) FROM {table} WHERE user_id = ?", (user_id,)).fetchone()[0])


def _note(cursor: sqlite3.Cursor, user_id: str) -> dict[str, int]:
    counts = {table: _count(cursor, table, user_id) for table in ("events", "decisions", "profiles")}
    counts["events"] += _count(cursor, "sealed_ids", user_id)
    sealed = "SELECT coalesce(sum(n), 0) FROM sealed_members WHERE user_id = ?"
    counts["decisions"] += _count(cursor, "earlier", user_id) + cursor.execute(sealed, (user_id,)).fetchone()[0]
    for generation in sql.GENERATIONS:
        cursor.execute(sql.delete_profile(generation), (user_id,))
    cursor.execute(
        "INSERT OR REPLACE INTO forgetting (user_id, events_until, decisions_until) SELECT ?, "
        "(SELECT coalesce(max(seq), 0) FROM events), (SELECT coalesce(max(seq), 0) FROM decisions)",
        (user_id,),
    )
    return counts


def _forget_day(store: Store, book: Book, day: str, user_id: str) -> bool:
    """Write a sealed day again without the member; False when another handle was quicker."""
    with store.reading() as cursor:
        before = named(cursor, book, day)
    kept = [read_day(store.folder, one).filter(pl.col("user_id") != user_id) for one in before]
    sealed = _rewritten(store, book, day, before, kept)

    def forget(cursor: sqlite3.Cursor) -> bool:
        if not _swap(cursor, before, sealed):
            return False
        for generation in sql.GENERATIONS:
            index = f"{book.days}_{generation}"
            cursor.execute(f"DELETE FROM {index} WHERE user_id = ? AND day = ?", (user_id, day))
        return True

    return store.do(forget)


def _forget_until(store: Store, day: str, until: int) -> int | None:
    """Write a sealed day again without the decisions made before `until`; how many, None where another was quicker."""
    with store.reading() as cursor:
        before = named(cursor, DECISIONS, day)
    frames = [read_day(store.folder, one) for one in before]
    kept = [frame.filter(pl.col("time") >= until) for frame in frames]
    sealed = _rewritten(store, DECISIONS, day, before, kept)

    def forget(cursor: sqlite3.Cursor) -> bool:
        if not _swap(cursor, before, sealed):
            return False
        for generation in sql.GENERATIONS:
            cursor.execute(f"DELETE FROM sealed_members_{generation} WHERE day = ?", (day,))
        note_members(cursor, day, kept)
        return True

    return sum(map(len, frames)) - sum(map(len, kept)) if store.do(forget) else None


def _rewritten(
    store: Store, book: Book, day: str, before: Sequence[SealedDay], kept: Sequence[pl.DataFrame]
) -> SealedDay | None:
    """A file of what is kept of a day's files, which does not count yet; None where nothing is."""
    return make_file(store, book, day, before, pl.concat(kept)) if sum(map(len, kept)) else None


def _swap(cursor: sqlite3.Cursor, before: Sequence[SealedDay], sealed: SealedDay | None) -> bool:
    """Let `sealed` count instead of the files before, or nothing; False when another handle was quicker."""
    if sealed is not None:
        return replace(cursor, before, sealed)
    for one in before:
        if one not in named(cursor, BOOKS[one.book], one.day):
            return False
        retire(cursor, one)
    return True


def _forget_strays(store: Store, user_id: str) -> None:
    """Files put aside hold members too. Raises `LogDamaged` where it cannot be told whether this one."""
    folder = store.folder / "strays"
    for name in finished(folder):
        try:
            frame = frame_of(book_of(name), (folder / name).read_bytes())
        except (pl.exceptions.PolarsError, OSError) as error:
            raise LogDamaged(
                f"{folder / name} cannot be read, so it may hold the member: {error}; remove it, "
                "or restore it, and delete the member again"
            ) from error
        others = frame.filter(pl.col("user_id") != user_id)
        if others.height < frame.height:
            write_durably(folder / name, bytes_of(book_of(name), others))


def _leave(cursor: sqlite3.Cursor, table: str, user_id: str, until: int) -> bool:
    some = sql.some_of_member(table)
    return for_a_step(
        lambda: cursor.execute(f"DELETE FROM {table} WHERE {some}", (user_id, until, BATCH["decisions"])).rowcount
    )


def _done(cursor: sqlite3.Cursor, user_id: str, writer: int) -> None:
    """Count a deletion as done, unless another handle just did."""
    if cursor.execute("DELETE FROM forgetting WHERE user_id = ?", (user_id,)).rowcount:
        replace_changes(cursor, writer)
        cursor.execute("UPDATE matinee_log SET asked = asked + 1")


def _turn(cursor: sqlite3.Cursor) -> None:
    """Let the other, empty generation take what is new, for all deletions done so far."""
    serving, served, old = cursor.execute("SELECT serving, served, generation FROM matinee_log").fetchone()
    if serving != served:
        return
    new = _other(old)
    for table in ("events", "decisions"):
        cursor.execute("DELETE FROM sqlite_sequence WHERE name = ?", (f"{table}_{new}",))
        cursor.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?, seq FROM sqlite_sequence WHERE name = ?",
            (f"{table}_{new}", f"{table}_{old}"),
        )
    cursor.execute("UPDATE matinee_log SET generation = ?, serving = asked", (new,))


def _move_on(cursor: sqlite3.Cursor) -> bool:
    """A step of moving rows to the generation that takes what is new; True while there is more to do."""
    (new,) = cursor.execute(sql.GENERATION).fetchone()
    for table, size in BATCH.items():
        old = f"{table}_{_other(new)}"
        rows = f"{old} WHERE rowid IN (SELECT rowid FROM {old} ORDER BY rowid LIMIT {size})"

        def batch(table: str = table, rows: str = rows) -> int:
            cursor.execute(f"INSERT INTO {table}_{new} SELECT * FROM {rows}")
            return cursor.execute(f"DELETE FROM {rows}").rowcount

        if for_a_step(batch):
            return True
    return False


def _drop(cursor: sqlite3.Cursor) -> int:
    """Drop the tables that all rows have left, and make them anew; so too the table that named the members.

    Returns how many deletions that serves: none where another handle turned the generations meanwhile.
    """
    serving, served, new = cursor.execute("SELECT serving, served, generation FROM matinee_log").fetchone()
    old = [f"{table}_{_other(new)}" for table in sql.MEMBER_TABLES]
    if serving == served or any(cursor.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in old):
        return int(served)
    for table in old:
        cursor.execute(f"DROP TABLE {table}")
    for statement in sql.member_tables(_other(new)):
        cursor.execute(statement)
    waiting = cursor.execute(sql.FORGOTTEN).fetchall()
    cursor.execute("DROP TABLE forgetting")
    cursor.execute(sql.FORGETTING)
    cursor.executemany("INSERT INTO forgetting VALUES (?, ?, ?)", waiting)
    return int(serving)


def _count_served(cursor: sqlite3.Cursor, serving: int) -> None:
    cursor.execute("UPDATE matinee_log SET served = serving WHERE serving = ?", (serving,))


def _empty_write_ahead_log(store: Store) -> None:
    """Write it back and cut it to nothing, in short tries between which others write."""
    end = time.monotonic() + PATIENCE
    with closing(connect(store.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        connection.execute(f"PRAGMA busy_timeout = {int(TRY * 1000)}")
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > end:
                raise LogDamaged(
                    f"a reader held the write-ahead log of {store.path} for {PATIENCE:.0f} s; the deletion is stored "
                    "and is finished at the next opening, or call it again"
                )
            time.sleep(TRY)


def _other(generation: str) -> str:
    a, b = sql.GENERATIONS
    return b if generation == a else a
