"""The event log's tables and statements.

What belongs to members lies in tables of two generations, `events_a` and `events_b` and so on; a view without the
suffix shows both. One generation takes what is new. A deletion moves everything to the other generation, step by step,
and drops the tables that it left: SQLite overwrites with zeros whatever is dropped, with the copies of rows that lie
forgotten in its pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from matinee.decision.columns import DECIDED
from matinee.events import DAY, SCHEMA, VISITOR

VERSION = 5
FEW = 500  # names that a query may list

COLUMNS = ", ".join(f'"{name}"' for name in SCHEMA)
SEQUENCED: Mapping[str, pl.DataType] = {"seq": pl.Int64(), **SCHEMA}  # `seq`: the order of arrival
GENERATIONS = ("a", "b")
MEMBER_TABLES = ("events", "sealed_ids", "decisions", "earlier", "sealed_members", "companions", "profiles")


class Book(NamedTuple):
    """What is sealed by day: the live table and its column of time, the table that tells of whom which days hold
    something, what names of files begin with, and their columns and order.
    """

    table: str
    time: str
    days: str
    prefix: str
    columns: Mapping[str, pl.DataType]
    order: tuple[str, ...]

    def whose(self, old: str, new: str, some: str) -> str:
        """The statement that notes `some` rows of generation `old` as sealed; takes a day, then what `some` takes."""
        rows = f"FROM {self.table}_{old} WHERE {some}"
        if self is EVENTS:
            return f"INSERT INTO sealed_ids_{new} (user_id, event_id, day) SELECT user_id, event_id, ? {rows}"
        noted = f"INSERT INTO sealed_members_{new} (user_id, day, n) SELECT user_id, ?, count(*)"
        return f"{noted} {rows} GROUP BY user_id"


# events of days sealed without `seq` come first at one time, by `event_id`
EVENTS = Book("events", "timestamp", "sealed_ids", "", SEQUENCED, ("timestamp", "seq", "event_id"))
DECISIONS = Book("decisions", "time", "sealed_members", "decisions-", DECIDED, ("time", "decision_id"))
BOOKS = {book.table: book for book in (EVENTS, DECISIONS)}

SEALED_DAYS = """CREATE TABLE sealed_days (
        book TEXT NOT NULL, day TEXT NOT NULL, file TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size BIGINT NOT NULL)"""
MOVING_DAYS = """CREATE TABLE moving (
        book TEXT NOT NULL, day TEXT NOT NULL, start BIGINT NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (book, day))"""
CHANGES = "CREATE TABLE changes (seq INTEGER PRIMARY KEY, writer INTEGER NOT NULL, user_id TEXT)"
FORGETTING = """CREATE TABLE forgetting (
        user_id TEXT PRIMARY KEY, events_until INTEGER NOT NULL, decisions_until INTEGER NOT NULL)"""
TABLES = (
    "CREATE TABLE matinee_schema (version INTEGER NOT NULL)",
    # `generation` takes what is new. Deletions are counted when done (`asked`); `serving` of them are being, `served`
    # have been, wiped from every page. `tried` counts tries whether the log can be written.
    """CREATE TABLE matinee_log (
        id TEXT NOT NULL, generation TEXT NOT NULL, asked INTEGER NOT NULL, serving INTEGER NOT NULL,
        served INTEGER NOT NULL, tried INTEGER NOT NULL)""",
    SEALED_DAYS,
    # files that do not count: being made by a handle (`maker`), or replaced (`maker` 0)
    "CREATE TABLE spent_files (file TEXT PRIMARY KEY, maker INTEGER NOT NULL)",
    # days whose file counts while their live rows up to `until` still leave the table
    MOVING_DAYS,
    CHANGES,
    FORGETTING,
)


def view(table: str) -> str:
    """The statement that makes both generations of a table one."""
    return f"CREATE VIEW {table} AS SELECT * FROM {table}_a UNION ALL SELECT * FROM {table}_b"


VIEWS = tuple(map(view, MEMBER_TABLES))


def member_tables(generation: str) -> tuple[str, ...]:
    """The statements that make the empty tables of one generation."""
    g = generation
    return (
        f"""CREATE TABLE events_{g} (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, user_id TEXT NOT NULL, item_id TEXT,
        kind TEXT NOT NULL, "timestamp" BIGINT NOT NULL, value DOUBLE PRECISION, decision_id TEXT, "row" INTEGER,
        "column" INTEGER, query TEXT, country TEXT, device TEXT, language TEXT, source TEXT,
        received BIGINT, UNIQUE (user_id, event_id))""",
        f'CREATE INDEX events_{g}_by_time ON events_{g} ("timestamp")',
        f'CREATE INDEX events_{g}_by_member ON events_{g} (user_id, "timestamp")',
        f"CREATE TABLE profiles_{g} (user_id TEXT PRIMARY KEY, folded_name TEXT NOT NULL, record TEXT NOT NULL)",
        f"""CREATE TABLE sealed_ids_{g} (
        user_id TEXT NOT NULL, event_id TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (user_id, event_id))""",
        *decision_tables(g),
    )


def decision_tables(generation: str) -> tuple[str, ...]:
    """Those of them that decisions need."""
    g = generation
    return (
        f"""CREATE TABLE decisions_{g} (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, decision_id TEXT UNIQUE NOT NULL, user_id TEXT NOT NULL,
        time BIGINT NOT NULL, body BLOB NOT NULL)""",
        f"CREATE INDEX decisions_{g}_by_time ON decisions_{g} (time, decision_id)",
        f"CREATE INDEX decisions_{g}_by_member ON decisions_{g} (user_id)",
        # records of a Matinee so early that they say too little to be decisions today
        f"""CREATE TABLE earlier_{g} (
        seq INTEGER PRIMARY KEY, decision_id TEXT UNIQUE NOT NULL, user_id TEXT NOT NULL, time BIGINT NOT NULL,
        record TEXT NOT NULL)""",
        f"CREATE INDEX earlier_{g}_by_member ON earlier_{g} (user_id)",
        # `n` sealed decisions of a member on a day; several rows of one day add up
        f"CREATE TABLE sealed_members_{g} (user_id TEXT NOT NULL, day TEXT NOT NULL, n INTEGER NOT NULL)",
        f"CREATE INDEX sealed_members_{g}_by_member ON sealed_members_{g} (user_id, day)",
        f"CREATE INDEX sealed_members_{g}_by_day ON sealed_members_{g} (day)",
        *companion_tables(g),
    )


def companion_tables(generation: str) -> tuple[str, ...]:
    """Those that say who watches too in which decision, live or sealed."""
    g = generation
    return (
        f"""CREATE TABLE companions_{g} (
        user_id TEXT NOT NULL, decision_id TEXT NOT NULL, time BIGINT NOT NULL, PRIMARY KEY (user_id, decision_id))""",
        f"CREATE INDEX companions_{g}_by_time ON companions_{g} (time)",
    )


def everything() -> tuple[str, ...]:
    """The statements that make an empty log."""
    return (*TABLES, *(statement for g in GENERATIONS for statement in member_tables(g)), *VIEWS)


def marks(n: int) -> str:
    """`n` placeholders, separated by commas."""
    return ", ".join(["?"] * n)


BEGIN_LOG = "INSERT INTO matinee_log (id, generation, asked, serving, served, tried) VALUES (?, 'a', 0, 0, 0, 0)"
GENERATION = "SELECT generation FROM matinee_log"

TRY = "UPDATE matinee_log SET tried = tried + 1"  # the smallest write

FIND_EVENT = (
    "SELECT 1 FROM events WHERE user_id = ? AND event_id = ? "
    "UNION ALL SELECT 1 FROM sealed_ids WHERE user_id = ? AND event_id = ?"
)
FIND_DECISION = "SELECT body FROM decisions WHERE decision_id = ?"
FIND_EARLIER = "SELECT record FROM earlier WHERE decision_id = ?"
DECISIONS_OF_MEMBER = "SELECT body FROM decisions WHERE user_id = ?"
EARLIER_OF_MEMBER = "SELECT record FROM earlier WHERE user_id = ?"
NEWER_DECISIONS = "SELECT decision_id FROM decisions WHERE seq > ?"
FIND_PROFILE = "SELECT record FROM profiles WHERE user_id = ?"
_OF_VISITORS = f"user_id >= '{VISITOR}' AND user_id < '{VISITOR[:-1]};'"  # `;` is the character after `:`
LIST_PROFILES = (
    f"SELECT record FROM profiles WHERE (folded_name LIKE ? ESCAPE '!' OR user_id LIKE ? ESCAPE '!') "
    f"AND NOT ({_OF_VISITORS}) "
    "ORDER BY length(user_id), user_id LIMIT ?"
)
RECENT_PROFILES = (
    "SELECT record FROM profiles LEFT JOIN (SELECT user_id, max(seq) AS latest FROM changes GROUP BY user_id) "
    f"USING (user_id) WHERE NOT ({_OF_VISITORS}) ORDER BY latest DESC, length(user_id), user_id LIMIT ?"
)
VISITORS = (  # and the time of the last live event, decision or company of each; 0 without one
    "SELECT user_id, max(latest) FROM ("
    f'SELECT user_id, coalesce(received, "timestamp") AS latest FROM events WHERE {_OF_VISITORS}'
    + "".join(f" UNION ALL SELECT user_id, time FROM {one} WHERE {_OF_VISITORS}" for one in ("decisions", "companions"))
    + "".join(
        f" UNION ALL SELECT user_id, 0 FROM {one} WHERE {_OF_VISITORS}"
        for one in ("profiles", "sealed_ids", "sealed_members")
    )
    + ") AS known GROUP BY user_id"
)


def insert_event(generation: str) -> str:
    """Takes the values of `rows.event_row`."""
    return f"INSERT INTO events_{generation} ({COLUMNS}) VALUES ({marks(len(SCHEMA))})"


def insert_decision(generation: str) -> str:
    """Takes id, member, time and body."""
    return f"INSERT INTO decisions_{generation} (decision_id, user_id, time, body) VALUES (?, ?, ?, ?)"


def insert_sealed_members(generation: str) -> str:
    """Takes member, day and number of decisions."""
    return f"INSERT INTO sealed_members_{generation} (user_id, day, n) VALUES (?, ?, ?)"


def insert_companion(generation: str) -> str:
    """Takes member, decision and time."""
    return f"INSERT INTO companions_{generation} (user_id, decision_id, time) VALUES (?, ?, ?)"


def insert_profile(generation: str) -> str:
    """Takes the values of `rows.profile_row`."""
    return f"INSERT INTO profiles_{generation} (user_id, folded_name, record) VALUES (?, ?, ?)"


def delete_profile(generation: str) -> str:
    """Takes a user id."""
    return f"DELETE FROM profiles_{generation} WHERE user_id = ?"


PUT_CHANGE = "INSERT INTO changes (writer, user_id) VALUES (?, ?)"
LAST_CHANGE = "SELECT max(seq) FROM changes"
FIRST_CHANGE = "SELECT min(seq) FROM changes"
CHANGES_OF_OTHERS = "SELECT DISTINCT user_id FROM changes WHERE seq > ? AND writer <> ?"
TRIM_CHANGES = "DELETE FROM changes WHERE seq <= (SELECT max(seq) FROM changes) - ?"

LIST_SEALED = "SELECT book, day, file, sha256, size FROM sealed_days WHERE book LIKE ? ORDER BY day, length(file), file"
PUT_SEALED = "INSERT INTO sealed_days (book, day, file, sha256, size) VALUES (?, ?, ?, ?, ?)"
DROP_SEALED = "DELETE FROM sealed_days WHERE file = ?"
OPEN_DAYS = {
    "events": f'SELECT DISTINCT "timestamp" / {DAY} FROM events WHERE "timestamp" < ? ORDER BY 1',
    "decisions": f"SELECT DISTINCT time / {DAY} FROM decisions WHERE time < ? ORDER BY 1",
}
DECISIONS_OF_DAY = "SELECT seq, body FROM decisions WHERE time >= ? AND time < ?"
EVENTS_OF_DAY = f'SELECT seq, {COLUMNS} FROM events WHERE "timestamp" >= ? AND "timestamp" < ?'
DELETE_SEALED_EVENTS = "DELETE FROM events_a WHERE (user_id, event_id) IN (SELECT user_id, event_id FROM sealed_ids_a)"
MOVING = "SELECT day, start, until FROM moving WHERE book = ?"
NAMES_TAKEN = "SELECT file FROM spent_files UNION ALL SELECT file FROM sealed_days"
SOME_SPENT_FILE = "SELECT file FROM spent_files WHERE maker IN (0, ?) OR ? LIMIT 1"
ALL_MOVING = "SELECT book, day, start, until FROM moving"
SHARED_WITH = "SELECT decision_id, time FROM companions WHERE user_id = ?"
FORGOTTEN = "SELECT user_id, events_until, decisions_until FROM forgetting"


def some_of_day(book: Book, generation: str) -> str:
    """The condition for at most so many live rows of one generation (start, end, until, how many)."""
    return (
        f"seq IN (SELECT seq FROM {book.table}_{generation} "
        f'WHERE "{book.time}" >= ? AND "{book.time}" < ? AND seq <= ? ORDER BY "{book.time}", seq LIMIT ?)'
    )


def some_of_member(table: str) -> str:
    """The condition for at most so many rows of a member (user, until, how many)."""
    return f"seq IN (SELECT seq FROM {table} WHERE user_id = ? AND seq <= ? ORDER BY seq LIMIT ?)"


def some_before(table: str) -> str:
    """The condition for at most so many decisions made before a time (time, how many)."""
    return f"seq IN (SELECT seq FROM {table} WHERE time < ? ORDER BY time, decision_id LIMIT ?)"


def last_of(book: Book) -> str:
    """The query for the latest place that a live row has; each generation asked alone, which the index answers."""
    latest = " UNION ALL ".join(f"SELECT max(seq) AS seq FROM {book.table}_{g}" for g in GENERATIONS)
    return f"SELECT coalesce(max(seq), 0) FROM ({latest}) AS latest"


def sealed_days_of(book: Book, members: int) -> str:
    """The query for the sealed days that hold something of at least one of so many members."""
    return f"SELECT DISTINCT day FROM {book.days} WHERE user_id IN ({marks(members)}) ORDER BY day"


def page_of_decisions(
    at: tuple[int, str], as_of: int, moving: Sequence[tuple[str, int, int]], n: int
) -> tuple[str, list[Any]]:
    """The query for the first `n` live decisions behind a time and id, and its values; `moving`: rows of `MOVING`."""
    parts, values = ["(time, decision_id) > (?, ?)", "time < ?"], [*at, as_of]
    for _, start, until in moving:
        parts.append("NOT (time >= ? AND time < ? AND seq <= ?)")
        values += [start, start + DAY, until]
    where = " AND ".join(parts)
    order = f"ORDER BY time, decision_id LIMIT {n}"
    return f"SELECT time, decision_id, body FROM decisions WHERE {where} {order}", values


def select_events(
    as_of: int,
    since: int | None,
    kinds: Sequence[str] | None,
    user_ids: Sequence[str] | None,
    moving: Sequence[tuple[str, int, int]],
) -> tuple[str, list[Any]]:
    """The query for live events and its values; members are only filtered here when there are few.

    `moving`: rows of `MOVING`; what they tell of is in sealed files already.
    """
    parts, values = ['"timestamp" < ?'], [as_of]
    wanted: list[Any] = values
    if since is not None:
        parts.append('"timestamp" >= ?')
        wanted = [*wanted, since]
    for column, names in (("kind", kinds), ("user_id", user_ids)):
        if names is not None and len(names) <= FEW:
            parts.append(f"{column} IN ({marks(len(names))})")
            wanted = [*wanted, *names]
    for _, start, until in moving:
        parts.append('NOT ("timestamp" >= ? AND "timestamp" < ? AND seq <= ?)')
        wanted = [*wanted, start, start + DAY, until]
    return f"SELECT seq, {COLUMNS} FROM events WHERE {' AND '.join(parts)}", wanted
