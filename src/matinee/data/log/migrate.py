"""Logs of older schemas, brought to today's when they are opened: in one transaction, so wholly or not at all."""

from __future__ import annotations

import sqlite3
from uuid import uuid4

from matinee.data.log import schema as sql
from matinee.events import SCHEMA

EVENTS = ", ".join(f'"{name}"' for name in SCHEMA)
ADDED = {"source": "TEXT", "received": "BIGINT"}  # columns of events that version 3 brought
OLD_EVENTS = ", ".join(f'"{name}"' for name in SCHEMA if name not in ADDED)
DECISIONS = f"{', '.join(sql.DECISION_COLUMNS)}, record"


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a log of schema `version` to today's, unless another process just did."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("SELECT version FROM matinee_schema").fetchone() == (version,):
            _STEPS[version](connection)
            connection.execute("UPDATE matinee_schema SET version = ?", (sql.VERSION,))
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
        ("events_a", f"seq, {OLD_EVENTS}", f"rowid, {OLD_EVENTS}"),
        ("decisions_a", f"seq, {DECISIONS}", f"rowid, {DECISIONS}"),
        ("profiles_a", "user_id, folded_name, record", "user_id, folded_name, record"),
        ("sealed_ids_a", "user_id, event_id, day", "user_id, event_id, day"),
        ("sealed_days", "day, file, sha256, size", "day, file, sha256, size"),
    ):
        old = f"old_{into.removesuffix('_a')}"
        connection.execute(f"INSERT INTO {into} ({columns}) SELECT {values} FROM {old} ORDER BY rowid")
        connection.execute(f"DROP TABLE {old}")
    connection.execute(sql.BEGIN_LOG, (uuid4().hex,))


def _from_version_2(connection: sqlite3.Connection) -> None:
    """Events did not say when they arrived nor where they were done."""
    for generation in sql.GENERATIONS:
        for column, kind in ADDED.items():
            connection.execute(f"ALTER TABLE events_{generation} ADD COLUMN {column} {kind}")


_STEPS = {1: _from_version_1, 2: _from_version_2}
