"""SQLite as the log's database."""

from __future__ import annotations

from collections.abc import Sequence

from matinee.data.log.compact import compact
from matinee.data.log.dialect import MARK, Dialect
from matinee.data.log.file import connect

ARRIVED = "SELECT max(seq) FROM sqlite_sequence WHERE name IN ('events_a', 'events_b')"


def upsert(table: str, columns: Sequence[str], key: str) -> str:
    """The statement that stores a row in place of that with its key."""
    marks, names = ", ".join(MARK * len(columns)), ", ".join(columns)
    put = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {put}"


SQLITE = Dialect(MARK, ARRIVED, upsert, connect, compact)
