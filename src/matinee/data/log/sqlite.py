"""SQLite as the log's database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from matinee.data.log.compact import compact
from matinee.data.log.dialect import MARK, Dialect
from matinee.data.log.file import connect

ARRIVED = "SELECT max(seq) FROM sqlite_sequence WHERE name IN ('events_a', 'events_b')"


def upsert(table: str, columns: Sequence[str], key: str) -> str:
    """The statement that stores a row in place of that with its key."""
    marks, names = ", ".join(MARK * len(columns)), ", ".join(columns)
    put = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {put}"


def placed(cursor: sqlite3.Cursor, insertion: str, values: Sequence[Any]) -> int:
    """Insert a row; its place. RETURNING would cost three times as much."""
    return int(cursor.execute(insertion, values).lastrowid or 0)


SQLITE = Dialect(MARK, ARRIVED, placed, upsert, connect, compact)
