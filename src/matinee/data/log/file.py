"""The event log's database as a file: begin one, open it, check that it is one, and say what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from matinee.data.log import schema as sql
from matinee.data.log.dialect import Connection
from matinee.data.log.migrate import migrate
from matinee.errors import LogDamaged, LogFull, LogReadOnly, MatineeError

FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
CLOSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


def connect(path: Path, readonly: bool = False, factory: type[Connection] = Connection) -> Connection:
    """A connection in autocommit mode; what is deleted through it is overwritten with zeros."""
    known: Any = {"timeout": 30, "isolation_level": None, "check_same_thread": False, "factory": factory}
    connection: Connection
    if readonly:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, **known)
        return connection
    try:
        connection = sqlite3.connect(path, **known)
        for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "cache_size = -65536"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise refusal(path, error) from error
    return connection


def create(path: Path) -> None:
    """Begin a log where none is: made whole under a name of its own, so that nothing at `path` is a part or is lost."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = draft_of(path)
        try:
            with closing(make_draft(draft, uuid4().hex)):
                pass
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        pass  # another process was first: its log is the log
    except OSError as error:
        raise unwritable(path, str(error)) from error


def draft_of(path: Path) -> Path:
    """A name beside `path` that nobody else uses."""
    return path.with_name(f"{path.name}.{uuid4().hex}.draft")


def make_draft(draft: Path, log_id: str) -> Connection:
    """A connection to a new and empty log at `draft`."""
    connection = connect(draft)
    for statement in sql.everything():
        connection.execute(statement)
    connection.execute("INSERT INTO matinee_schema (version) VALUES (?)", (sql.VERSION,))
    connection.execute(sql.BEGIN_LOG, (log_id,))
    return connection


def open_for_writing(path: Path, connect: Callable[[Path, bool], Connection] = connect) -> Connection:
    """The writer's connection to a log of today's schema; an older one is brought to it. Raises `LogDamaged`."""
    connection = connect(path, False)
    try:
        version = version_of(connection, path)
        if version < sql.VERSION:
            check_structure(connection, path)
            migrate(connection, version)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise refusal(path, error) from error
        raise
    return connection


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The schema of a log. Raises `LogDamaged` when it is none, or of a later Matinee."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if "matinee_schema" not in tables:
        raise unreadable(path, "it is empty or no event log of Matinee")
    (version,) = connection.execute("SELECT version FROM matinee_schema").fetchone()
    if version > sql.VERSION:
        raise LogDamaged(
            f"the event log {path} has schema {version}, this Matinee knows {sql.VERSION} and older; install the "
            "Matinee that wrote it, or a newer one"
        )
    return int(version)


def check_structure(connection: sqlite3.Connection, path: Path) -> None:
    """SQLite's own quick look. Raises `LogDamaged`."""
    found = [line for (line,) in connection.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise unreadable(path, "; ".join(found))


def refusal(path: Path, error: sqlite3.Error) -> MatineeError:
    """What an error of SQLite means for the log at `path`."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in FULL:
        return LogFull(
            f"the event log {path} has no room: {error}; nothing of this write is stored; make space on its disk, "
            "then send it again"
        )
    if code & 0xFF in CLOSED:
        return unwritable(path, str(error))
    if code & 0xFF == sqlite3.SQLITE_BUSY:
        return LogDamaged(
            f"the event log {path} is held by another program: {error}; nothing of this write is stored; send it again"
        )
    return unreadable(path, str(error))


def unreadable(path: Path, why: str) -> LogDamaged:
    """The error for a database that cannot be read safely."""
    return LogDamaged(
        f"the event log {path} cannot be read safely: {why}; restore it from a backup, or run `matinee log --rebuild` "
        "to make it again from its sealed days, or move it away to begin a new one where there are none"
    )


def unwritable(path: Path, why: str) -> LogReadOnly:
    """The error for a sound log that this user may not write."""
    return LogReadOnly(
        f"the event log {path} may not be written: {why}; it is not damaged; give this user the right to write the "
        f"file and its folder {path.parent}, or choose another folder"
    )
