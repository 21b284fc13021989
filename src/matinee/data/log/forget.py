"""Forgetting a member, beside the service and for good.

It is noted first, so that it is finished whatever happens. Sealed days are written again without the member, rows leave
in short steps, and then the database gives their space back, see `Dialect.compact`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

import polars as pl

from matinee.data.log import schema as sql
from matinee.data.log.companions import forget_companions, of_member
from matinee.data.log.dialect import Cursor
from matinee.data.log.schema import BOOKS, DECISIONS, Book
from matinee.data.log.sealed import (
    SealedDay,
    book_of,
    bytes_of,
    day_name,
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
from matinee.events import DAY

BATCH = 50  # rows between two looks at the clock
FOREVER = 2**62


class Rewritten(NamedTuple):
    """How many decisions left a sealed day that was written again, and how many bytes less it has."""

    removed: int
    freed: int


def begin(store: Store, user_id: str) -> dict[str, int] | None:
    """Note that the member is to be forgotten; the rows there are, by table, or None when there is nothing of them."""
    with store.reading() as cursor:
        known = any(_count(cursor, table, user_id) for table in (*sql.MEMBER_TABLES, "forgetting"))
    if not known and not finished(store.folder / "strays"):
        return None
    return store.do(lambda cursor: _note(cursor, user_id))


def finish(store: Store) -> int:
    """Forget all who are noted. Returns how many deletions are done by now, for `compact`."""
    finish_sealing(store)
    with store.reading() as cursor:
        waiting = cursor.execute(sql.FORGOTTEN).fetchall()
    for user_id, events_until, decisions_until in waiting:
        for book in BOOKS.values():
            for day in _days_of(store, book, user_id):
                while not _forget_day(store, book, day, user_id):
                    finish_sealing(store)
        _forget_strays(store, user_id)
        for table, until in (("events", events_until), ("decisions", decisions_until), ("earlier", FOREVER)):
            for generation in sql.GENERATIONS:
                store.in_steps(partial(_leave, table=f"{table}_{generation}", user_id=user_id, until=until))
        store.in_steps(partial(_leave_company, user_id=user_id))
        store.do(partial(_done, user_id=user_id, writer=store.name))
    with store.reading() as cursor:
        return int(cursor.execute("SELECT asked FROM matinee_log").fetchone()[0])


def forget_decisions(store: Store, before: int) -> int:
    """Remove the decisions made before `before` (microseconds since 1970) in short steps; returns how many."""
    removed = 0

    def step(cursor: Cursor, table: str) -> bool:
        def batch() -> int:
            nonlocal removed
            gone = cursor.execute(f"DELETE FROM {table} WHERE {sql.some_before(table)}", (before, BATCH))
            removed += gone.rowcount
            return gone.rowcount

        return for_a_step(batch)

    finish_sealing(store)
    with store.reading() as cursor:
        days = sorted({one.day for one in sealed_days(cursor, DECISIONS) if first_microsecond(one.day) < before})
    for day in days:
        removed += rewrite_decisions(store, day, lambda frame: frame.filter(pl.col("time") >= before)).removed
    for table in ("decisions", "earlier"):
        for generation in sql.GENERATIONS:
            store.in_steps(partial(step, table=f"{table}_{generation}"))
    store.do(partial(_leave_companions, before=before))
    return removed


def rewrite_decisions(store: Store, day: str, kept_of: Callable[[pl.DataFrame], pl.DataFrame]) -> Rewritten:
    """Write a sealed day of decisions again with what `kept_of` keeps of each file's frame, in one commit; nothing is
    written where that is all as it was.
    """
    while (done := _rewrite(store, day, kept_of)) is None:
        finish_sealing(store)
    return done


def replace_changes(cursor: Cursor, writer: int) -> None:
    """Tell other handles that all members changed, and name none."""
    (last,) = cursor.execute(sql.LAST_CHANGE).fetchone()
    cursor.execute("DROP TABLE changes")
    cursor.execute(sql.CHANGES)
    cursor.execute("INSERT INTO changes (seq, writer, user_id) VALUES (?, ?, NULL)", ((last or 0) + 1, writer))


def _count(cursor: Cursor, table: str, user_id: str) -> int:
    return int(cursor.execute(f"SELECT count(*) FROM {table} WHERE user_id = ?", (user_id,)).fetchone()[0])


def _note(cursor: Cursor, user_id: str) -> dict[str, int]:
    counts = {table: _count(cursor, table, user_id) for table in ("events", "decisions", "profiles")}
    counts["events"] += _count(cursor, "sealed_ids", user_id)
    sealed = "SELECT coalesce(sum(n), 0) FROM sealed_members WHERE user_id = ?"
    counts["decisions"] += _count(cursor, "earlier", user_id) + _count(cursor, "companions", user_id)
    counts["decisions"] += cursor.execute(sealed, (user_id,)).fetchone()[0]
    for generation in sql.GENERATIONS:
        cursor.execute(sql.delete_profile(generation), (user_id,))
    until = {f"{name}_until": cursor.execute(sql.last_of(book)).fetchone()[0] for name, book in BOOKS.items()}
    cursor.upsert("forgetting", "user_id", {"user_id": user_id, **until})
    return counts


def _days_of(store: Store, book: Book, user_id: str) -> list[str]:
    """The sealed days that hold something of a member, ascending."""
    with store.reading() as cursor:
        days = {day for (day,) in cursor.execute(sql.sealed_days_of(book, 1), (user_id,))}
        if book is DECISIONS:
            shared = {day_name(time // DAY) for _, time in cursor.execute(sql.SHARED_WITH, (user_id,))}
            days |= shared & {one.day for one in sealed_days(cursor, book)}
    return sorted(days)


def _forget_day(store: Store, book: Book, day: str, user_id: str) -> bool:
    """Write a sealed day again without the member; False when another handle was quicker."""
    with store.reading() as cursor:
        before = named(cursor, book, day)
    theirs = _theirs(book, user_id)
    kept = [read_day(store.folder, one).filter(~theirs) for one in before]
    sealed = _rewritten(store, book, day, before, kept)

    def forget(cursor: Cursor) -> bool:
        if not _swap(cursor, before, sealed):
            return False
        if book is DECISIONS:
            _note_anew(cursor, day, kept)
            return True
        for generation in sql.GENERATIONS:
            cursor.execute(f"DELETE FROM {book.days}_{generation} WHERE user_id = ? AND day = ?", (user_id, day))
        return True

    return store.do(forget)


def _theirs(book: Book, user_id: str) -> pl.Expr:
    return of_member(user_id) if book is DECISIONS else pl.col("user_id") == user_id


def _note_anew(cursor: Cursor, day: str, kept: Sequence[pl.DataFrame]) -> None:
    """Whose decisions a day's files hold now."""
    for generation in sql.GENERATIONS:
        cursor.execute(f"DELETE FROM sealed_members_{generation} WHERE day = ?", (day,))
    if kept:
        note_members(cursor, day, kept)


def _rewrite(store: Store, day: str, kept_of: Callable[[pl.DataFrame], pl.DataFrame]) -> Rewritten | None:
    """One try of `rewrite_decisions`; None where another handle was quicker."""
    with store.reading() as cursor:
        before = named(cursor, DECISIONS, day)
    frames = [read_day(store.folder, one) for one in before]
    kept = [kept_of(frame) for frame in frames]
    if all(one.equals(frame) for one, frame in zip(kept, frames, strict=True)):
        return Rewritten(0, 0)
    sealed = _rewritten(store, DECISIONS, day, before, kept)
    gone = [frame.join(one, on="decision_id", how="anti") for one, frame in zip(kept, frames, strict=True)]

    def count(cursor: Cursor) -> bool:
        if not _swap(cursor, before, sealed):
            return False
        _note_anew(cursor, day, kept)
        forget_companions(cursor, pl.concat(gone))
        return True

    freed = sum(one.size for one in before) - (sealed.size if sealed else 0)
    return Rewritten(sum(map(len, gone)), freed) if store.do(count) else None


def _rewritten(
    store: Store, book: Book, day: str, before: Sequence[SealedDay], kept: Sequence[pl.DataFrame]
) -> SealedDay | None:
    """A file of what is kept of a day's files, which does not count yet; None where nothing is."""
    return make_file(store, book, day, before, pl.concat(kept)) if sum(map(len, kept)) else None


def _swap(cursor: Cursor, before: Sequence[SealedDay], sealed: SealedDay | None) -> bool:
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
        others = frame.filter(~_theirs(book_of(name), user_id))
        if others.height < frame.height:
            write_durably(folder / name, bytes_of(book_of(name), others))


def _leave(cursor: Cursor, table: str, user_id: str, until: int) -> bool:
    some = sql.some_of_member(table)
    return for_a_step(lambda: cursor.execute(f"DELETE FROM {table} WHERE {some}", (user_id, until, BATCH)).rowcount)


def _leave_company(cursor: Cursor, user_id: str) -> bool:
    """A step of removing live decisions in which a member watches too, and what says of whom they are."""

    def batch() -> int:
        shared = cursor.execute(sql.SHARED_WITH, (user_id,)).fetchmany(BATCH)
        for (decision_id, _), g in product(shared, sql.GENERATIONS):
            cursor.execute(f"DELETE FROM decisions_{g} WHERE decision_id = ?", (decision_id,))
            cursor.execute(f"DELETE FROM companions_{g} WHERE user_id = ? AND decision_id = ?", (user_id, decision_id))
        return len(shared)

    return for_a_step(batch)


def _leave_companions(cursor: Cursor, before: int) -> None:
    for g in sql.GENERATIONS:
        cursor.execute(f"DELETE FROM companions_{g} WHERE time < ?", (before,))


def _done(cursor: Cursor, user_id: str, writer: int) -> None:
    """Count a deletion as done, unless another handle just did."""
    if cursor.execute("DELETE FROM forgetting WHERE user_id = ?", (user_id,)).rowcount:
        replace_changes(cursor, writer)
        cursor.execute("UPDATE matinee_log SET asked = asked + 1")
