"""Logs of older schemas, brought to today's when they are opened: in one transaction, so wholly or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import orjson

from matinee.data.log import schema as sql
from matinee.data.log.bodies import bodies_of
from matinee.decision.record import of_record
from matinee.errors import BadData
from matinee.events import SCHEMA

EVENTS = ", ".join(f'"{name}"' for name in SCHEMA)
ADDED = {"source": "TEXT", "received": "BIGINT"}  # columns of events that version 3 brought
OLD_EVENTS = ", ".join(f'"{name}"' for name in SCHEMA if name not in ADDED)
# what records of that time could not say: nothing was asked of it
ASKED_LATER: dict[str, Any] = {"dials": {}, "control": None, "keep_probability": 1.0}
AT_ONCE = 500  # decisions that are read as one


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
    """Rows lay in the order of arrival, which `seq` keeps; event ids were unique beyond a member."""
    for table in ("events", "sealed_ids", "decisions", "profiles", "sealed_days"):
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in sql.everything()[1:]:
        connection.execute(statement)
    for into, columns, values in (
        ("events_a", f"seq, {OLD_EVENTS}", f"rowid, {OLD_EVENTS}"),
        ("profiles_a", "user_id, folded_name, record", "user_id, folded_name, record"),
        ("sealed_ids_a", "user_id, event_id, day", "user_id, event_id, day"),
        ("sealed_days", "book, day, file, sha256, size", "'events', day, file, sha256, size"),
    ):
        old = f"old_{into.removesuffix('_a')}"
        connection.execute(f"INSERT INTO {into} ({columns}) SELECT {values} FROM {old} ORDER BY rowid")
        connection.execute(f"DROP TABLE {old}")
    _take_in_records(connection, "rowid", ["old_decisions"])
    connection.execute(sql.BEGIN_LOG, (uuid4().hex,))


def _from_version_2(connection: sqlite3.Connection) -> None:
    """Events did not say when they arrived nor where they were done; decisions were JSON and never sealed."""
    for table in ("events", "sealed_ids", "decisions", "profiles"):
        connection.execute(f"DROP VIEW {table}")
    for generation in sql.GENERATIONS:
        for column, kind in ADDED.items():
            connection.execute(f"ALTER TABLE events_{generation} ADD COLUMN {column} {kind}")
        connection.execute(f"ALTER TABLE decisions_{generation} RENAME TO old_decisions_{generation}")
        for name in ("by_time", "by_member"):
            connection.execute(f"DROP INDEX decisions_{generation}_{name}")
    for table, made in (("sealed_days", sql.SEALED_DAYS), ("moving", sql.MOVING_DAYS)):
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
        connection.execute(made)
        connection.execute(f"INSERT INTO {table} SELECT 'events', * FROM old_{table}")
        connection.execute(f"DROP TABLE old_{table}")
    for statement in (*(one for g in sql.GENERATIONS for one in sql.decision_tables(g)), *sql.VIEWS):
        connection.execute(statement)
    _take_in_records(connection, "seq", [f"old_decisions_{one}" for one in sql.GENERATIONS])


def _from_version_3(connection: sqlite3.Connection) -> None:
    """Nobody watched with others."""
    for generation in sql.GENERATIONS:
        for statement in sql.companion_tables(generation):
            connection.execute(statement)
    connection.execute(sql.view("companions"))


def _from_version_4(connection: sqlite3.Connection) -> None:
    """All decisions were kept, which is what a decision without a `keep_probability` says. The version alone changes:
    a Matinee that knows no thinning would take a thinned log for a whole one.
    """


def _take_in_records(connection: sqlite3.Connection, seq: str, tables: Sequence[str]) -> None:
    """Make decisions of records in JSON; those of which too little is told stay as they are, in `earlier`."""
    (generation,) = connection.execute(sql.GENERATION).fetchone() or ("a",)
    decided = f"INSERT INTO decisions_{generation} (seq, decision_id, user_id, time, body) VALUES (?, ?, ?, ?, ?)"
    earlier = f"INSERT INTO earlier_{generation} (seq, decision_id, user_id, time, record) VALUES (?, ?, ?, ?, ?)"
    for table in tables:
        cursor = connection.execute(f"SELECT {seq}, decision_id, user_id, time, record FROM {table} ORDER BY {seq}")
        while rows := cursor.fetchmany(AT_ONCE):
            for *head, text in rows:
                body = _body(text)
                connection.execute(decided if body else earlier, (*head, body or text))
        connection.execute(f"DROP TABLE {table}")


def _body(text: str) -> bytes | None:
    """The record as it is stored today, None where it is no record of a decision that can be asked again."""
    try:
        return next(bodies_of(of_record({**ASKED_LATER, **orjson.loads(text)})))
    except (ValueError, BadData):
        return None


_STEPS = {1: _from_version_1, 2: _from_version_2, 3: _from_version_3, 4: _from_version_4}
