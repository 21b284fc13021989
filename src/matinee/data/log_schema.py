"""The event log's tables and statements.

What belongs to members lies in tables of two generations, `events_a` and `events_b` and so on; a view without the
suffix shows both. One generation takes what is new. A deletion moves everything to the other generation, step by step,
and drops the tables that it left: SQLite overwrites with zeros whatever is dropped, with the copies of rows that lie
forgotten in its pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from matinee.events import DAY, SCHEMA

VERSION = 2
FEW = 500  # names that a query may list

COLUMNS = ", ".join(f'"{name}"' for name in SCHEMA)
SEQUENCED: Mapping[str, pl.DataType] = {"seq": pl.Int64(), **SCHEMA}  # `seq`: the order of arrival
DECISION_COLUMNS = ("decision_id", "user_id", "time", "surface", "policy_id", "cell")
GENERATIONS = ("a", "b")
MEMBER_TABLES = ("events", "sealed_ids", "decisions", "profiles")

TABLES = (
    "CREATE TABLE matinee_schema (version INTEGER NOT NULL)",
    "CREATE TABLE matinee_log (id TEXT NOT NULL, generation TEXT NOT NULL)",
    "CREATE TABLE changes (seq INTEGER PRIMARY KEY, writer INTEGER NOT NULL, user_id TEXT)",
    "CREATE TABLE sealed_days (day TEXT PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL, size BIGINT NOT NULL)",
)
VIEWS = tuple(
    f"CREATE VIEW {table} AS SELECT * FROM {table}_a UNION ALL SELECT * FROM {table}_b" for table in MEMBER_TABLES
)


def member_tables(generation: str) -> tuple[str, ...]:
    """The statements that make the empty tables of one generation."""
    g = generation
    return (
        f"""CREATE TABLE events_{g} (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, user_id TEXT NOT NULL, item_id TEXT,
        kind TEXT NOT NULL, "timestamp" BIGINT NOT NULL, value DOUBLE PRECISION, decision_id TEXT, "row" INTEGER,
        "column" INTEGER, query TEXT, country TEXT, device TEXT, language TEXT, UNIQUE (user_id, event_id))""",
        f'CREATE INDEX events_{g}_by_time ON events_{g} ("timestamp")',
        f'CREATE INDEX events_{g}_by_member ON events_{g} (user_id, "timestamp")',
        f"""CREATE TABLE decisions_{g} (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, decision_id TEXT UNIQUE NOT NULL, user_id TEXT NOT NULL,
        time BIGINT NOT NULL, surface TEXT NOT NULL, policy_id TEXT NOT NULL, cell TEXT NOT NULL,
        record TEXT NOT NULL)""",
        f"CREATE INDEX decisions_{g}_by_time ON decisions_{g} (time, decision_id)",
        f"CREATE INDEX decisions_{g}_by_member ON decisions_{g} (user_id)",
        f"CREATE TABLE profiles_{g} (user_id TEXT PRIMARY KEY, folded_name TEXT NOT NULL, record TEXT NOT NULL)",
        f"""CREATE TABLE sealed_ids_{g} (
        user_id TEXT NOT NULL, event_id TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (user_id, event_id))""",
    )


def everything() -> tuple[str, ...]:
    """The statements that make an empty log."""
    return (*TABLES, *(statement for g in GENERATIONS for statement in member_tables(g)), *VIEWS)


def marks(n: int) -> str:
    """`n` placeholders, separated by commas."""
    return ", ".join(["?"] * n)


BEGIN_LOG = "INSERT INTO matinee_log (id, generation) VALUES (?, 'a')"
GENERATION = "SELECT generation FROM matinee_log"

FIND_EVENT = (
    "SELECT 1 FROM events WHERE user_id = ?1 AND event_id = ?2 "
    "UNION ALL SELECT 1 FROM sealed_ids WHERE user_id = ?1 AND event_id = ?2"
)
FIND_DECISION = "SELECT record FROM decisions WHERE decision_id = ?"
PAGE_OF_DECISIONS = (
    "SELECT time, decision_id, record FROM decisions WHERE (time, decision_id) > (?, ?) AND time < ? "
    "ORDER BY time, decision_id LIMIT 1000"
)
DECISIONS_OF_MEMBER = "SELECT record FROM decisions WHERE user_id = ? ORDER BY time, decision_id"
FIND_PROFILE = "SELECT record FROM profiles WHERE user_id = ?"
LIST_PROFILES = (
    "SELECT record FROM profiles WHERE folded_name LIKE ? ESCAPE '!' OR user_id LIKE ? ESCAPE '!' "
    "ORDER BY length(user_id), user_id LIMIT ?"
)


def insert_event(generation: str) -> str:
    """Takes the values of `log_rows.event_row`."""
    return f"INSERT INTO events_{generation} ({COLUMNS}) VALUES ({marks(len(SCHEMA))})"


def insert_decision(generation: str) -> str:
    """Takes the values of `log_rows.decision_row`."""
    columns = f"{', '.join(DECISION_COLUMNS)}, record"
    return f"INSERT INTO decisions_{generation} ({columns}) VALUES ({marks(len(DECISION_COLUMNS) + 1)})"


def insert_profile(generation: str) -> str:
    """Takes the values of `log_rows.profile_row`."""
    return f"INSERT INTO profiles_{generation} (user_id, folded_name, record) VALUES (?, ?, ?)"


def delete_member_from(table: str) -> str:
    """The statement that removes a member's rows from one of `MEMBER_TABLES`, of one generation."""
    return f"DELETE FROM {table} WHERE user_id = ?"


PUT_CHANGE = "INSERT INTO changes (writer, user_id) VALUES (?, ?)"
LAST_CHANGE = "SELECT max(seq) FROM changes"
FIRST_CHANGE = "SELECT min(seq) FROM changes"
CHANGES_OF_OTHERS = "SELECT DISTINCT user_id FROM changes WHERE seq > ? AND writer <> ?"
TRIM_CHANGES = "DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - ?"

LIST_SEALED = "SELECT day, file, sha256, size FROM sealed_days ORDER BY day"
PUT_SEALED = "INSERT OR REPLACE INTO sealed_days (day, file, sha256, size) VALUES (?, ?, ?, ?)"
DROP_SEALED = "DELETE FROM sealed_days WHERE day = ?"
OPEN_DAYS = f'SELECT DISTINCT "timestamp" / {DAY} FROM events WHERE "timestamp" < ? ORDER BY 1'
EVENTS_OF_DAY = f'SELECT seq, {COLUMNS} FROM events WHERE "timestamp" >= ? AND "timestamp" < ?'


def move_ids_of_day(generation: str) -> str:
    """Takes the day's name and its first microsecond and that of the next; ids go where what is new goes."""
    return (
        f"INSERT INTO sealed_ids_{generation} (user_id, event_id, day) SELECT user_id, event_id, ? FROM events "
        'WHERE "timestamp" >= ? AND "timestamp" < ?'
    )


def delete_events_of_day(generation: str) -> str:
    """Takes the day's first microsecond and that of the next."""
    return f'DELETE FROM events_{generation} WHERE "timestamp" >= ? AND "timestamp" < ?'


def sealed_days_of(members: int) -> str:
    """The query for the sealed days that hold events of at least one of so many members."""
    return f"SELECT DISTINCT day FROM sealed_ids WHERE user_id IN ({marks(members)}) ORDER BY day"


def select_events(
    as_of: int, since: int | None, kinds: Sequence[str] | None, user_ids: Sequence[str] | None
) -> tuple[str, list[Any]]:
    """The query for live events and its values; members are only filtered here when there are few."""
    parts, values = ['"timestamp" < ?'], [as_of]
    wanted: list[Any] = values
    if since is not None:
        parts.append('"timestamp" >= ?')
        wanted = [*wanted, since]
    for column, names in (("kind", kinds), ("user_id", user_ids)):
        if names is not None and len(names) <= FEW:
            parts.append(f"{column} IN ({marks(len(names))})")
            wanted = [*wanted, *names]
    return f"SELECT seq, {COLUMNS} FROM events WHERE {' AND '.join(parts)}", wanted
