"""How SQLite gives back the space of deleted rows and leaves no byte of them, in short steps beside writing.

Everything that is left moves to the other generation of tables. What SQLite leaves of moved rows in its pages goes when
the old tables are dropped. One such move serves all deletions that were done before it began.
"""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial

from matinee.data.log import schema as sql
from matinee.data.log.dialect import Cursor, Steps
from matinee.data.log.file import connect
from matinee.data.log.store import for_a_step
from matinee.errors import LogDamaged

# rows between two looks at the clock
BATCH = {
    "events": 100, "sealed_ids": 200, "decisions": 50, "earlier": 20, "sealed_members": 200, "companions": 200,
    "profiles": 100,
}  # fmt: skip
PATIENCE = 30.0  # seconds that the write-ahead log may be held by readers
TRY = 0.02  # seconds of one try to empty it, in which others may not write


def compact(store: Steps, deletions: int) -> None:
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


def _turn(cursor: Cursor) -> None:
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


def _move_on(cursor: Cursor) -> bool:
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


def _drop(cursor: Cursor) -> int:
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


def _count_served(cursor: Cursor, serving: int) -> None:
    cursor.execute("UPDATE matinee_log SET served = serving WHERE serving = ?", (serving,))


def _empty_write_ahead_log(store: Steps) -> None:
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
