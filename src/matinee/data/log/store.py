"""The connections to one log: a writer thread, a reading connection a thread, and work done in short steps."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from matinee.data.log import schema as sql
from matinee.data.log.dialect import Connection, Cursor, Dialect
from matinee.data.log.file import open_for_writing, refusal
from matinee.data.log.sealed import SealedDay, read_day
from matinee.data.log.writer import Writer
from matinee.errors import LogDamaged

T = TypeVar("T")
STEP = 0.02  # seconds that a step of long work holds the writer, about


class Store:
    """One handle on a log. `name` tells its changes from those of others; `upkeep` is held by long work."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        """Open the database at `path`, which is there. Raises `LogDamaged` and `LogReadOnly`."""
        self.path = path
        self.dialect = dialect
        self.folder = sealed_folder(path)
        self.name = secrets.randbits(62) + 1
        self.upkeep = threading.RLock()
        self._mine = threading.local()
        self._readers: WeakSet[Connection] = WeakSet()
        self.writer = Writer(open_for_writing(path, dialect.connect), path, dialect)

    def close(self) -> None:
        """Commit what is queued and let go of the files."""
        self._mine = threading.local()
        for connection in list(self._readers):
            connection.close()
        self.writer.close()

    def do(self, work: Callable[[Cursor], T]) -> T:
        """Run `work` on the writer's cursor in a transaction that it may share; durable on return."""
        return self.writer.run(work).result()

    def in_steps(self, step: Callable[[Cursor], bool]) -> None:
        """Run `step` again and again until it says that nothing is left; between two of them others write."""
        while True:
            started = time.perf_counter()
            if not self.do(step):
                return
            time.sleep(min(time.perf_counter() - started, STEP))

    def steady(self, book: sql.Book, look: Callable[[], T]) -> T:
        """What `look` finds in sealed files; again where one was replaced under it, so that damage is never false."""
        while True:
            days = self._days(book)
            try:
                return look()
            except LogDamaged:
                if self._days(book) == days:
                    raise

    def read_all(self, book: sql.Book) -> int:
        """The number of rows of a book's sealed files, all of them read. Raises `LogDamaged`."""
        return sum(read_day(self.folder, one).height for one in self._days(book))

    def _days(self, book: sql.Book) -> list[SealedDay]:
        with self.reading() as cursor:
            return sealed_days(cursor, book)

    @contextmanager
    def reading(self) -> Iterator[Cursor]:
        """A cursor of this thread's own connection, which stays open; no transaction outlives the block."""
        try:
            connection: Connection | None = getattr(self._mine, "connection", None)
            if connection is None:
                connection = self._mine.connection = self.dialect.connect(self.path, True)
                self._readers.add(connection)
            with closing(connection.cursor()) as own:
                try:
                    yield Cursor(own, self.dialect)
                finally:
                    if connection.in_transaction:
                        connection.rollback()
        except sqlite3.DatabaseError as error:
            raise refusal(self.path, error) from error


def sealed_folder(path: Path) -> Path:
    """Where the sealed days of the log at `path` lie."""
    return path.with_name(path.name + ".sealed")


def for_a_step(batch: Callable[[], int]) -> bool:
    """Call `batch` until it has nothing left to do (False) or the time of a step is over (True)."""
    end = time.perf_counter() + STEP
    while batch():
        if time.perf_counter() >= end:
            return True
    return False


def generation(cursor: Cursor) -> str:
    """The generation of tables that takes what is new."""
    (found,) = cursor.execute(sql.GENERATION).fetchone()
    return str(found)


def sealed_days(cursor: Cursor, book: sql.Book | None = None) -> list[SealedDay]:
    """The sealed files that count, of one book or of all, oldest day first."""
    return [SealedDay(*row) for row in cursor.execute(sql.LIST_SEALED, (book.table if book else "%",)).fetchall()]
