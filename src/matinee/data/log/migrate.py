"""Logs of older schemas, brought to today's when they are opened: in one transaction, so wholly or not at all."""

from __future__ import annotations

import sqlite3
from uuid import uuid4

from matinee.data.log import schema as sql
from matinee.events import SCHEMA

EVENTS = ", ".join(f'"{name}"' for name in SCHEMA)
DECISIONS = f"{', '.join(sql.DECISION_COLUMNS)}, record"


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a log of schema `version` to today's, unless another process just did."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("SELECT version FROM matinee_schema").fetchone() == (version,):
            _from_version_1(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _from_version_1(connection: sqlite3.Connection) -> None:
    """Rows of version 1 lay in the order of arrival, which `seq` keeps; event ids were unique beyond a member."""
    for table in (*sql.MEMBER_TABLES, "sealed_days"):
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in sql.everything()[1:]:
        connection.execute(statement)
    for into, columns, values in (
        ("events_a", f"seq, {EVENTS}", f"rowid, {EVENTS}"),
        ("decisions_a", f"seq, {DECISIONS}", f"rowid, {DECISIONS}"),
        ("profiles_a", "user_id, folded_name, record", "user_id, folded_name, record"),
        ("sealed_ids_a", "user_id, event_id, day", "user_id, event_id, day"),
        ("sealed_days", "day, file, sha256, size", "day, file, sha256, size"),
    ):
        old = f"old_{into.removesuffix('_a')}"
        connection.execute(f"INSERT INTO {into} ({columns}) SELECT {values} FROM {old} ORDER BY rowid")
        connection.execute(f"DROP TABLE {old}")
    connection.execute(sql.BEGIN_LOG, (uuid4().hex,))
    connection.execute("UPDATE matinee_schema SET version = ?", (sql.VERSION,))
