"""The event log's database as a file: begin one, open it, and check that it is one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from matinee.data import log_schema as sql
from matinee.data.log_migrate import migrate
from matinee.errors import LogDamaged


class Connection(sqlite3.Connection):
    """A connection that may be weakly referenced."""


def connect(path: Path, readonly: bool = False) -> Connection:
    """A connection in autocommit mode; what is deleted through it is overwritten with zeros."""
    if readonly:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(
            uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection
        )
    try:
        connection = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False, factory=Connection
        )
        for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.DatabaseError as error:
        raise unreadable(path, str(error)) from error
    return connection


def create(path: Path) -> None:
    """Begin a log where none is: made whole under a name of its own, so that nothing at `path` is a part or is lost."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{uuid4().hex}.draft")
    with closing(connect(draft)) as connection:
        for statement in sql.everything():
            connection.execute(statement)
        connection.execute("INSERT INTO matinee_schema (version) VALUES (?)", (sql.VERSION,))
        connection.execute(sql.BEGIN_LOG, (uuid4().hex,))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first: its log is the log
    finally:
        draft.unlink(missing_ok=True)


def open_for_writing(path: Path) -> Connection:
    """The writer's connection to a log of today's schema; an older one is brought to it. Raises `LogDamaged`."""
    connection = connect(path)
    try:
        version = version_of(connection, path)
        if version < sql.VERSION:
            check_structure(connection, path)
            migrate(connection, version)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.DatabaseError):
            raise unreadable(path, str(error)) from error
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


def unreadable(path: Path, why: str) -> LogDamaged:
    """The error for a database that cannot be read safely."""
    return LogDamaged(
        f"the event log {path} cannot be read safely: {why}; restore it from a backup, "
        "or move it away to begin a new one"
    )
