"""One writer thread with group commit: many small writes share one fsync, and none is acknowledged before it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from matinee.data.log.dialect import Cursor, Dialect
from matinee.data.log.file import refusal
from matinee.errors import BadRequest

T = TypeVar("T")
GROUP = 256  # writes that share a commit at most
log = logging.getLogger("matinee.log")


@dataclass(frozen=True)
class _Job:
    work: Callable[[Cursor], Any]
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Runs writes one after the other on its own connection; whatever waits is committed together.

    `trouble` says why the last commit was refused; it is empty when the last one succeeded.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, dialect: Dialect) -> None:
        self.trouble = ""
        self._dialect = dialect
        self._connection = connection
        self._path = path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="matinee-log-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Cursor], T]) -> Future[T]:
        """Queue `work`; the future resolves when its commit is on disk. What `work` raises undoes `work` only."""
        job = _Job(work)
        with self._gate:
            if self._closed:
                raise BadRequest("the event log is closed; open it again to write")
            self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, then stop. Safe to call twice."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        cursor = Cursor(self._connection.cursor(), self._dialect)
        for group in self._groups():
            taken = [job for job in group if job.future.set_running_or_notify_cancel()]
            if taken:
                self._commit(cursor, taken)
        self._connection.close()

    def _groups(self) -> Iterator[list[_Job]]:
        """What is queued, in order."""
        while (job := self._jobs.get()) is not None:
            group = [job]
            while len(group) < GROUP and not self._jobs.empty():
                if (job := self._jobs.get()) is None:
                    yield group
                    return
                group.append(job)
            yield group

    def _commit(self, cursor: Cursor, jobs: list[_Job]) -> None:
        trouble = ""
        try:
            cursor.execute("BEGIN IMMEDIATE")
            results = [_attempt_inside(cursor, job) for job in jobs]
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            refused = refusal(self._path, error)
            trouble, results = str(refused), [(None, refused)] * len(jobs)
        self._note(trouble)
        for job, (result, failure) in zip(jobs, results, strict=True):
            _resolve(job, result, failure)

    def _note(self, trouble: str) -> None:
        """Say once that writing fails, and once that it succeeds again."""
        if bool(trouble) != bool(self.trouble):
            log.log(
                logging.ERROR if trouble else logging.INFO, trouble or f"the event log {self._path} is written again"
            )
        self.trouble = trouble


def _attempt_inside(cursor: Cursor, job: _Job) -> tuple[Any, Exception | None]:
    """Run a job inside the open transaction so that its failure undoes itself alone.

    Where the database itself failed, all of the transaction does.
    """
    cursor.execute("SAVEPOINT job")
    result, failure = None, None
    try:
        result = job.work(cursor)
    except sqlite3.OperationalError:
        raise
    except Exception as error:
        failure = error
        cursor.execute("ROLLBACK TO job")
    cursor.execute("RELEASE job")
    return result, failure


def _resolve(job: _Job, result: Any, failure: Exception | None) -> None:
    if failure is not None:
        job.future.set_exception(failure)
    else:
        job.future.set_result(result)
