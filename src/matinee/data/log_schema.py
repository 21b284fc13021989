"""The event log's tables and statements: SQL that SQLite and PostgreSQL both read, and rows to and from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl

from matinee.errors import BadData
from matinee.events import DAY, REQUIRED, SCHEMA, TIME
from matinee.profile import Profile

VERSION = 1
MARK = "?"  # the placeholder; PostgreSQL's drivers write %s
FEW = 500  # names that a query may list

TABLES = (
    "CREATE TABLE matinee_schema (version INTEGER NOT NULL)",
    """CREATE TABLE events (
        event_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, item_id TEXT, kind TEXT NOT NULL,
        "timestamp" BIGINT NOT NULL, value DOUBLE PRECISION, decision_id TEXT, "row" INTEGER, "column" INTEGER,
        query TEXT, country TEXT, device TEXT, language TEXT)""",
    'CREATE INDEX events_by_time ON events ("timestamp")',
    'CREATE INDEX events_by_member ON events (user_id, "timestamp")',
    """CREATE TABLE decisions (
        decision_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, time BIGINT NOT NULL, surface TEXT NOT NULL,
        policy_id TEXT NOT NULL, cell TEXT NOT NULL, record TEXT NOT NULL)""",
    "CREATE INDEX decisions_by_time ON decisions (time, decision_id)",
    "CREATE INDEX decisions_by_member ON decisions (user_id)",
    "CREATE TABLE profiles (user_id TEXT PRIMARY KEY, folded_name TEXT NOT NULL, record TEXT NOT NULL)",
    """CREATE TABLE sealed_days (
        day TEXT PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL, size BIGINT NOT NULL)""",
    "CREATE TABLE sealed_ids (event_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, day TEXT NOT NULL)",
    "CREATE INDEX sealed_ids_by_member ON sealed_ids (user_id)",
)

COLUMNS = ", ".join(f'"{name}"' for name in SCHEMA)
DECISION_COLUMNS = ("decision_id", "user_id", "time", "surface", "policy_id", "cell")


def marks(n: int) -> str:
    """`n` placeholders, separated by commas."""
    return ", ".join([MARK] * n)


INSERT_EVENT = f"INSERT INTO events ({COLUMNS}) VALUES ({marks(len(SCHEMA))}) ON CONFLICT (event_id) DO NOTHING"
FIND_SEALED_ID = f"SELECT 1 FROM sealed_ids WHERE event_id = {MARK}"
INSERT_DECISION = (
    f"INSERT INTO decisions ({', '.join(DECISION_COLUMNS)}, record) VALUES ({marks(7)}) "
    "ON CONFLICT (decision_id) DO NOTHING"
)
FIND_DECISION = f"SELECT record FROM decisions WHERE decision_id = {MARK}"
PAGE_OF_DECISIONS = (
    "SELECT time, decision_id, record FROM decisions WHERE (time, decision_id) > "
    f"({MARK}, {MARK}) AND time < {MARK} ORDER BY time, decision_id LIMIT 1000"
)
PUT_PROFILE = (
    f"INSERT INTO profiles (user_id, folded_name, record) VALUES ({marks(3)}) "
    "ON CONFLICT (user_id) DO UPDATE SET folded_name = excluded.folded_name, record = excluded.record"
)
ADD_PROFILE = (
    f"INSERT INTO profiles (user_id, folded_name, record) VALUES ({marks(3)}) ON CONFLICT (user_id) DO NOTHING"
)
FIND_PROFILE = f"SELECT record FROM profiles WHERE user_id = {MARK}"
LIST_PROFILES = (
    f"SELECT record FROM profiles WHERE folded_name LIKE {MARK} ESCAPE '!' OR user_id LIKE {MARK} ESCAPE '!' "
    f"ORDER BY length(user_id), user_id LIMIT {MARK}"
)
LIST_SEALED = "SELECT day, file, sha256, size FROM sealed_days ORDER BY day"
PUT_SEALED = (
    f"INSERT INTO sealed_days (day, file, sha256, size) VALUES ({marks(4)}) "
    "ON CONFLICT (day) DO UPDATE SET file = excluded.file, sha256 = excluded.sha256, size = excluded.size"
)
DROP_SEALED = f"DELETE FROM sealed_days WHERE day = {MARK}"
OPEN_DAYS = f'SELECT DISTINCT "timestamp" / {DAY} FROM events WHERE "timestamp" < {MARK} ORDER BY 1'
EVENTS_OF_DAY = f'SELECT {COLUMNS} FROM events WHERE "timestamp" >= {MARK} AND "timestamp" < {MARK}'
MOVE_IDS_OF_DAY = (
    f"INSERT INTO sealed_ids (event_id, user_id, day) SELECT event_id, user_id, {MARK} FROM events "
    f'WHERE "timestamp" >= {MARK} AND "timestamp" < {MARK}'
)
DELETE_EVENTS_OF_DAY = f'DELETE FROM events WHERE "timestamp" >= {MARK} AND "timestamp" < {MARK}'
MEMBER_TABLES = ("events", "sealed_ids", "decisions", "profiles")


def delete_member_from(table: str) -> str:
    """The statement that removes a member's rows from one of `MEMBER_TABLES`."""
    return f"DELETE FROM {table} WHERE user_id = {MARK}"


def sealed_days_of(members: int) -> str:
    """The query for the sealed days that hold events of at least one of so many members."""
    return f"SELECT DISTINCT day FROM sealed_ids WHERE user_id IN ({marks(members)}) ORDER BY day"


def select_events(
    as_of: int, since: int | None, kinds: Sequence[str] | None, user_ids: Sequence[str] | None
) -> tuple[str, list[Any]]:
    """The query for live events and its values; members are only filtered here when there are few."""
    parts, values = [f'"timestamp" < {MARK}'], [as_of]
    wanted: list[Any] = values
    if since is not None:
        parts.append(f'"timestamp" >= {MARK}')
        wanted = [*wanted, since]
    for column, names in (("kind", kinds), ("user_id", user_ids)):
        if names is not None and len(names) <= FEW:
            parts.append(f"{column} IN ({marks(len(names))})")
            wanted = [*wanted, *names]
    return f"SELECT {COLUMNS} FROM events WHERE {' AND '.join(parts)}", wanted


def event_row(event: Mapping[str, Any]) -> tuple[Any, ...]:
    """An event as the values of `INSERT_EVENT`. Raises `BadData` where a required field is missing."""
    lacking = [name for name in REQUIRED if event.get(name) is None]
    if lacking:
        raise BadData(f"an event lacks {lacking}; it has {dict(event)!r:.200}; clean events before they are logged")
    return tuple(_micros(event[name]) if name == "timestamp" else event.get(name) for name in SCHEMA)


def event_rows(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """A clean frame of events as values of `INSERT_EVENT`."""
    return frame.select(SCHEMA.keys()).with_columns(pl.col("timestamp").cast(pl.Int64)).rows()


def event_frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Rows of `COLUMNS` as a frame of `events.SCHEMA`."""
    stored = {**SCHEMA, "timestamp": pl.Int64()}
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ([] for _ in stored)
    series = [pl.Series(name, column, stored[name]) for name, column in zip(stored, columns, strict=True)]
    return pl.DataFrame(series).with_columns(pl.col("timestamp").cast(TIME))


def decision_row(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """A decision record as the values of `INSERT_DECISION`. Raises `BadData` when it is none."""
    try:
        return (*(record[name] for name in DECISION_COLUMNS), orjson.dumps(record).decode())
    except (KeyError, TypeError) as error:
        raise BadData(f"not a decision record: {error!r}; log what Decisions.record gives") from error


def profile_row(profile: Profile) -> tuple[str, str, str]:
    """A profile as the values of `PUT_PROFILE` and `ADD_PROFILE`."""
    return profile.user_id, profile.name.casefold(), orjson.dumps(asdict(profile)).decode()


def profile_of(record: str) -> Profile:
    """The profile that `profile_row` stored."""
    fields: dict[str, Any] = orjson.loads(record)
    for name in ("languages", "blocked_titles", "blocked_genres"):
        fields[name] = tuple(fields[name])
    return Profile(**fields)


def starting_with(prefix: str) -> str:
    """The pattern of LIKE for a prefix, with `!` as the escape."""
    return prefix.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"


def _micros(moment: int | datetime) -> int:
    if not isinstance(moment, datetime):
        return int(moment)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
