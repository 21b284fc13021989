"""One writer thread with group commit: many small writes share one fsync, and none is acknowledged before it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

from matinee.errors import BadRequest, LogDamaged

T = TypeVar("T")
GROUP = 256  # writes that share a commit at most


@dataclass(frozen=True)
class _Job:
    work: Callable[[sqlite3.Cursor], Any]
    alone: bool
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Runs writes one after the other on its own connection; whatever waits is committed together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="matinee-log-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[sqlite3.Cursor], T], alone: bool = False) -> Future[T]:
        """Queue `work`; the future resolves when its commit is on disk.

        What `work` raises undoes `work` only. With `alone` it runs outside any transaction, after all before it.
        """
        job = _Job(work, alone)
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
        cursor = self._connection.cursor()
        for group in self._groups():
            taken = [job for job in group if job.future.set_running_or_notify_cancel()]
            self._commit(cursor, [job for job in taken if not job.alone])
            for job in taken:
                if job.alone:
                    _resolve(job, *_attempt(cursor, job))
        self._connection.close()

    def _groups(self) -> Iterator[list[_Job]]:
        """What is queued, in order; a job that wants to be alone ends its group."""
        while (job := self._jobs.get()) is not None:
            group = [job]
            while not group[-1].alone and len(group) < GROUP and not self._jobs.empty():
                if (job := self._jobs.get()) is None:
                    yield group
                    return
                group.append(job)
            yield group

    def _commit(self, cursor: sqlite3.Cursor, jobs: list[_Job]) -> None:
        if not jobs:
            return
        try:
            cursor.execute("BEGIN IMMEDIATE")
            results = [_attempt_inside(cursor, job) for job in jobs]
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            refusal = LogDamaged(
                f"the event log could not be written: {error}; nothing of this batch is stored; check the disk's "
                "space and rights and that no other program holds the log, then send it again"
            )
            results = [(None, refusal)] * len(jobs)
        for job, (result, failure) in zip(jobs, results, strict=True):
            _resolve(job, result, failure)


def _attempt(cursor: sqlite3.Cursor, job: _Job) -> tuple[Any, Exception | None]:
    try:
        return job.work(cursor), None
    except Exception as error:
        return None, error


def _attempt_inside(cursor: sqlite3.Cursor, job: _Job) -> tuple[Any, Exception | None]:
    """Run a job inside the open transaction so that its failure undoes itself alone."""
    cursor.execute("SAVEPOINT job")
    result, failure = _attempt(cursor, job)
    if failure is not None:
        cursor.execute("ROLLBACK TO job")
    cursor.execute("RELEASE job")
    return result, failure


def _resolve(job: _Job, result: Any, failure: Exception | None) -> None:
    if failure is not None:
        job.future.set_exception(failure)
    else:
        job.future.set_result(result)
