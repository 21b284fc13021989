"""Work that a service does beside answering: looks every so often, in a thread, until it stops."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from matinee.errors import MatineeError

log = logging.getLogger(__name__)
Look = Callable[[int], object]  # at the log, as of a time in microseconds since 1970, UTC


@contextmanager
def looking(*looks: Look, first: float, every: float, failed: str) -> Iterator[None]:
    """Call each of `looks` after `first` seconds and then `every` so many, while the block runs.

    An error of ours is logged as what `failed`, and ends neither the thread nor the other looks.
    """
    stopped = Event()

    def run() -> None:
        wait = first
        while not stopped.wait(wait):
            now, wait = round(time.time() * 1e6), every
            for look in looks:
                try:
                    look(now)
                except MatineeError:
                    log.exception(failed)

    thread = Thread(target=run, name=looks[0].__qualname__, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
