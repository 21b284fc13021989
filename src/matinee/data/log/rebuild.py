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
from matinee.data.log.file import check_structure, draft_of, make_draft, open_for_writing
from matinee.data.log.migrate import DECISIONS, EVENTS
from matinee.data.log.sealed import described, finished, frame_of, mark, owner
from matinee.data.log.store import sealed_folder
from matinee.errors import BadRequest, LogDamaged

LIVE = {
    "events": f"seq, {EVENTS}",
    "decisions": f"seq, {DECISIONS}",
    "profiles": "user_id, folded_name, record",
}


@dataclass(frozen=True)
class Rebuilt:
    """What the new database holds, and where the old one lies (None where there was none)."""

    days: int
    sealed_events: int
    live_events: int
    profiles: int
    database_read: bool
    old: Path | None


def rebuild(path: Path) -> Rebuilt:
    """Make the database at `path` again; nobody else may have the log open.

    Of each sealed day the newest file counts, one put aside in `strays/` too. Events, decisions and profiles of the old
    database are kept where it can be read and is of the same log, or of one that does not say. It is put aside, never
    removed. Raises `BadRequest` where there is nothing to rebuild from, `LogDamaged` where a sealed day cannot be read.
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
            sealed = sum(_take_in(connection, folder, day, file) for day, file in files.items())
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
    return Rebuilt(len(files), sealed, live, profiles, database_read, old)


def _newest(folder: Path) -> dict[str, Path]:
    """The newest file of each day, in the folder or among its strays."""
    found: dict[str, Path] = {}
    for place in (folder / "strays", folder):
        for name in finished(place):
            day = name[:10]
            known = found.get(day)
            if known is None or _is_later(name, known.name):
                found[day] = place / name
    return dict(sorted(found.items()))


def _is_later(name: str, known: str) -> bool:
    """Whether a day's file is of a later generation than another, or of the same."""
    return (len(name), name) >= (len(known), known)


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


def _take_in(connection: sqlite3.Connection, folder: Path, day: str, file: Path) -> int:
    """Let a sealed file count; returns its number of events."""
    data = file.read_bytes()
    try:
        frame = frame_of(data)
    except pl.exceptions.PolarsError as error:
        raise LogDamaged(
            f"the sealed day {file} cannot be read: {error}; restore it from a backup, or move it away to rebuild "
            "without it"
        ) from error
    if file.parent != folder:
        shutil.move(file, folder / file.name)
    sealed = described(day, file.name, data)
    connection.execute(sql.PUT_SEALED, (sealed.day, sealed.file, sealed.sha256, sealed.size))
    connection.executemany(
        "INSERT OR IGNORE INTO sealed_ids_a (user_id, event_id, day) VALUES (?, ?, ?)",
        ((user_id, event_id, day) for user_id, event_id in frame.select("user_id", "event_id").iter_rows()),
    )
    last = frame["seq"].max()
    if last is not None:
        _count_from(connection, int(last))  # type: ignore[arg-type]
    return frame.height


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
