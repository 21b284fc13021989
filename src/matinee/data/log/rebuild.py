"""The log made again from its sealed days, with whatever a readable database of the same log still holds."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import polars as pl

from matinee.data.log import schema as sql
from matinee.data.log.companions import companions_of
from matinee.data.log.dialect import Cursor
from matinee.data.log.file import check_structure, draft_of, make_draft, open_for_writing
from matinee.data.log.migrate import EVENTS
from matinee.data.log.schema import Book
from matinee.data.log.sealed import (
    book_of,
    day_of,
    described,
    finished,
    frame_of,
    generation_of,
    is_part,
    mark,
    owner,
)
from matinee.data.log.sealing import note_members, put
from matinee.data.log.sqlite import SQLITE
from matinee.data.log.store import sealed_folder
from matinee.errors import BadRequest, LogDamaged

LIVE = {
    "events": f"seq, {EVENTS}",
    "decisions": "seq, decision_id, user_id, time, body",
    "earlier": "seq, decision_id, user_id, time, record",
    "companions": "user_id, decision_id, time",
    "profiles": "user_id, folded_name, record",
}


@dataclass(frozen=True)
class Rebuilt:
    """What the new database holds, and where the old one lies (None where there was none)."""

    days: int
    sealed_events: int
    sealed_decisions: int
    live_events: int
    profiles: int
    database_read: bool
    old: Path | None


def rebuild(path: Path) -> Rebuilt:
    """Make the database at `path` again; nobody else may have the log open.

    Of each sealed day the newest file counts, and parts of its decisions made since, also of those put aside in
    `strays/`. Events, decisions and profiles of the old database are kept where it can be read and is of the same log,
    or of one that does not say. It is put aside, never removed. Raises `BadRequest` where there is nothing to rebuild
    from, `LogDamaged` where a sealed day cannot be read.
    """
    folder = sealed_folder(path)
    files = _newest(folder)
    if not files:
        raise BadRequest(f"{folder} holds no sealed day to rebuild {path} from; restore the log from a backup")
    log_id = owner(folder) or uuid4().hex
    draft = draft_of(path)
    try:
        with closing(make_draft(draft, log_id)) as connection:
            database_read = _keep(connection, path, log_id)
            connection.execute("BEGIN")
            found = [_take_in(connection, folder, file) for file in files]
            connection.execute(sql.DELETE_SEALED_EVENTS)
            live, profiles = (
                connection.execute(f"SELECT count(*) FROM {table}_a").fetchone()[0] for table in ("events", "profiles")
            )
            connection.execute("COMMIT")
        mark(folder, log_id)
        old = _put_aside(path)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    events = sum(n for book, n in found if book is sql.EVENTS)
    return Rebuilt(len(files), events, sum(n for _, n in found) - events, live, profiles, database_read, old)


def _newest(folder: Path) -> list[Path]:
    """The files that count, in the folder or among its strays: a day's newest whole file, and parts made since."""
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for place in (folder / "strays", folder):
        for name in finished(place):
            found.setdefault((book_of(name).table, day_of(name)), {})[name] = place / name
    return [file for _, files in sorted(found.items()) for file in _counting(files)]


def _counting(files: dict[str, Path]) -> list[Path]:
    whole = [name for name in files if not is_part(name)]
    newest = max(whole, key=generation_of, default="")
    parts = [name for name in files if is_part(name) and generation_of(name) > generation_of(newest)]
    return [files[name] for name in ([newest] if newest else []) + sorted(parts, key=generation_of)]


def _keep(connection: sqlite3.Connection, path: Path, log_id: str) -> bool:
    """Copy what a readable database of this log holds; False where there is none."""
    if not path.exists():
        return False
    try:
        with closing(open_for_writing(path)) as old:
            check_structure(old, path)
            (its_id,) = old.execute("SELECT id FROM matinee_log").fetchone()
            if its_id != log_id and owner(sealed_folder(path)) is not None:
                return False
            connection.execute("BEGIN")
            for table, columns in LIVE.items():
                values = ", ".join("?" * (columns.count(",") + 1))
                rows = old.execute(f"SELECT {columns} FROM {table}")
                connection.executemany(f"INSERT INTO {table}_a ({columns}) VALUES ({values})", rows)
            connection.executemany("INSERT INTO forgetting VALUES (?, ?, ?)", old.execute(sql.FORGOTTEN))
            connection.execute("COMMIT")
    except (LogDamaged, sqlite3.DatabaseError):
        with suppress(sqlite3.OperationalError):
            connection.execute("ROLLBACK")
        return False
    return True


def _take_in(connection: sqlite3.Connection, folder: Path, file: Path) -> tuple[Book, int]:
    """Let a sealed file count; returns its book and what it holds of it."""
    data, book, day = file.read_bytes(), book_of(file.name), day_of(file.name)
    try:
        frame = frame_of(book, data)
    except pl.exceptions.PolarsError as error:
        raise LogDamaged(
            f"the sealed day {file} cannot be read: {error}; restore it from a backup, or move it away to rebuild "
            "without it"
        ) from error
    if file.parent != folder:
        shutil.move(file, folder / file.name)
    with closing(connection.cursor()) as own:
        cursor = Cursor(own, SQLITE)
        put(cursor, described(book, day, file.name, data))
        if book is sql.DECISIONS:
            note_members(cursor, day, [frame])
            cursor.executemany(
                "INSERT INTO companions_a (user_id, decision_id, time) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                companions_of(frame),
            )
            cursor.executemany(
                "DELETE FROM decisions_a WHERE decision_id = ?", ((one,) for one in frame["decision_id"])
            )
            return book, frame.height
        cursor.executemany(
            "INSERT INTO sealed_ids_a (user_id, event_id, day) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            ((user_id, event_id, day) for user_id, event_id in frame.select("user_id", "event_id").iter_rows()),
        )
    last = frame["seq"].max()
    if last is not None:
        _count_from(connection, int(last))  # type: ignore[arg-type]
    return book, frame.height


def _count_from(connection: sqlite3.Connection, last: int) -> None:
    """Let numbers of arrival go on behind `last`."""
    (known,) = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'events_a'").fetchone()
    if (known or 0) < last:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events_a'")
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events_a', ?)", (last,))


def _put_aside(path: Path) -> Path | None:
    """Move a database away with all that belongs to it; returns where it lies now."""
    if not path.exists():
        return None
    aside = path.with_name(f"{path.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
