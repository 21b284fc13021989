"""How a kind of database is spoken to, as a value, so that logs in several kinds can be open at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")
MARK = "?"  # how this package writes the place of a value in a statement


class Connection(sqlite3.Connection):
    """A connection that may be weakly referenced."""


@dataclass(frozen=True)
class Dialect:
    """What the log must know of its database; all else is SQL that each understands.

    `mark` stands for a value, `arrived` asks for the latest place given in the order of arrival, and
    `placed(cursor, statement, values)` runs an insertion and gives the place that its row got.
    `upsert(table, columns, key)` is the statement, in these marks, that stores a row in place of that
    with its key. `connect(path, readonly)` opens the database at `path`. `compact(store, deletions)`
    gives the space of what was deleted back and leaves no byte of the first so many deletions.
    """

    mark: str
    arrived: str
    placed: Callable[[sqlite3.Cursor, str, Sequence[Any]], int]
    upsert: Callable[[str, Sequence[str], str], str]
    connect: Callable[[Path, bool], Connection]
    compact: Callable[[Steps, int], None]


class Cursor:
    """A cursor of any database: a statement comes with `?` and goes with the database's mark."""

    def __init__(self, own: sqlite3.Cursor, dialect: Dialect) -> None:
        self.dialect = dialect
        self._own = own

    def __iter__(self) -> Iterator[Any]:
        return iter(self._own)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Self:
        """Run one statement."""
        self._own.execute(self._spoken(statement), values)
        return self

    def executemany(self, statement: str, rows: Any) -> Self:
        """Run one statement for each row of values."""
        self._own.executemany(self._spoken(statement), rows)
        return self

    def placed(self, insertion: str, values: Sequence[Any]) -> int:
        """Insert a row; its place in the order of arrival."""
        return self.dialect.placed(self._own, self._spoken(insertion), values)

    def upsert(self, table: str, key: str, row: Mapping[str, Any]) -> None:
        """Store a row in place of that with its key, where there is one."""
        self._own.execute(self.dialect.upsert(table, tuple(row), key), tuple(row.values()))

    def fetchone(self) -> Any:
        """The next row, None behind the last."""
        return self._own.fetchone()

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return self._own.fetchall()

    def fetchmany(self, size: int) -> list[Any]:
        """The next rows, none behind the last."""
        return self._own.fetchmany(size)

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        return self._own.rowcount

    @property
    def connection(self) -> sqlite3.Connection:
        """What the cursor is of."""
        return self._own.connection

    def _spoken(self, statement: str) -> str:
        mark = self.dialect.mark
        return statement if mark == MARK else statement.replace(MARK, mark)


class Steps(Protocol):
    """A log's database as `compact` finds it: work on it is done in steps, others write between."""

    path: Path

    def do(self, work: Callable[[Cursor], T]) -> T:
        """Run `work` in a transaction."""

    def in_steps(self, step: Callable[[Cursor], bool]) -> None:
        """Run `step` until it says that nothing is left."""

    def reading(self) -> AbstractContextManager[Cursor]:
        """A cursor to read with."""
