"""Files: read plain ones only, never more than is allowed, again where they changed; write whole ones."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Generic, TypeVar
from uuid import uuid4

from matinee.errors import MatineeError

T = TypeVar("T")

ABANDONED = 3_600  # seconds after which a draft is no longer being written


@contextmanager
def opened(path: Path, most: int | None = None) -> Iterator[BufferedReader]:
    """A plain file, open for reading. Raises `OSError` on a link, a pipe or a device, and on more than `most` bytes.

    Nothing is waited for: a pipe that nobody writes to is refused too.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(f"{path} is no plain file")
        if most is not None and about.st_size > most:
            raise OSError(f"{path} has {about.st_size:,} bytes and at most {most:,} are read")
        yield file


@dataclass
class Watched(Generic[T]):
    """What files say, read again only where one of them changed. `what` names it in the log."""

    paths: Callable[[], Sequence[Path]]
    read: Callable[[], T]
    log: logging.Logger
    what: str
    _seen: object = field(default=None, repr=False)
    _known: T | None = field(default=None, repr=False)

    def __call__(self) -> T:
        """What `read` gives. Where a file was damaged while a server runs, what was known before stays."""
        about = [(path.name, path.stat()) for path in self.paths()]
        seen = [(name, one.st_mtime_ns, one.st_ino) for name, one in about]
        if self._known is None or seen != self._seen:
            try:
                self._known = self.read()
            except MatineeError:
                if self._known is None:
                    raise
                self.log.exception("%s stay as they were", self.what)
            self._seen = seen
        return self._known


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a draft beside `path`, then give it the name: whoever opens `path` finds the old or the new.

    The draft is on disk before it is renamed, so neither a crash nor a full disk leaves half a file under the name.
    Two may write at once, each a draft of their own: the later name wins. Drafts that a crash left go after an hour.
    """
    for old in path.parent.glob(f".{path.name}.*.draft"):
        with suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > ABANDONED:
                old.unlink()
    draft = path.with_name(f".{path.name}.{uuid4().hex}.draft")
    try:
        write(draft)
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def synced(path: Path) -> None:
    """What a file holds, or which names a folder has, is on disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def require_file(path: Path) -> None:
    """Raise `OSError` where neither a file nor a link to one stands: opening a pipe would wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no file")


def kernel_size(table: Path, name: str) -> int | None:
    """The bytes that a table of the kernel (`/proc/meminfo`, `/proc/self/status`) gives; None where there is none."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")]
    return sizes[0] if sizes else None
