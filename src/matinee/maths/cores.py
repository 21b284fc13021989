"""How many cores this process may keep busy, which is often fewer than the machine has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache, lru_cache
from math import ceil, inf
from pathlib import Path
from threading import Lock
from time import monotonic

from threadpoolctl import LibController, ThreadpoolController, threadpool_limits

CGROUP, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
KEPT = 60.0  # seconds that quotas are taken for what they were


def usable_cores() -> int:
    """The cores that the process may run on, or fewer where the quota of a container or a service is less.

    Quotas are read anew once in `KEPT` seconds: reading them takes longer than much of what asks.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, ceil(min(affinity, _least_quota(CGROUP, OWN, int(monotonic() / KEPT)))))


@contextmanager
def blas_on_usable_cores() -> Iterator[None]:
    """BLAS inside takes no more threads than there are usable cores; by itself it counts those of the machine."""
    with threadpool_limits(usable_cores(), user_api="blas"):
        yield


@contextmanager
def blas_in_the_calling_thread() -> Iterator[None]:
    """BLAS inside starts no threads: products of one request are too small for them, and they spin in each other's way.

    It holds for the whole process until the last of all callers has left.
    """
    with _QUIET:
        yield


class _Shared:
    """A context that the first enters and the last leaves, from any thread."""

    def __init__(self, make: Callable[[], AbstractContextManager[object]]) -> None:
        self._make, self._lock = make, Lock()
        self._inside, self._left = 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._left.enter_context(self._make())
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._left.close()


@cache
def _blas() -> list[LibController]:
    """The libraries that are loaded; looking at all takes long, so it is done once."""
    return [one for one in ThreadpoolController().lib_controllers if one.user_api == "blas"]


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = [library.num_threads for library in _blas()]
    for library in _blas():
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, threads in zip(_blas(), before, strict=True):
            library.set_num_threads(threads)


_QUIET = _Shared(_one_thread_each)


@lru_cache(maxsize=1)
def _least_quota(cgroup: Path, own: Path, _: int) -> float:
    """The least quota, in cores, of the control groups (versions 1 and 2) that the process is in or that are above."""
    return min(_quotas(cgroup, own), default=inf)


def _quotas(cgroup: Path, own: Path) -> Iterator[float]:
    for folder in dict.fromkeys(_groups(cgroup, own)):
        words = _words(folder / "cpu.max") or [
            word for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us") for word in _words(folder / name)
        ]
        if len(words) == 2 and all(word.isdigit() and int(word) > 0 for word in words):
            yield int(words[0]) / int(words[1])


def _groups(cgroup: Path, own: Path) -> Iterator[Path]:
    """Folders of control groups: a container sees its own at the top, a service its own below."""
    yield from (cgroup, cgroup / "cpu", cgroup / "cpu,cpuacct")
    for line in (word for word in _words(own) if word.count(":") >= 2):
        _, controllers, path = line.split(":", 2)
        group = cgroup / controllers / path.lstrip("/")
        yield from (one for one in (group, *group.parents) if one.is_relative_to(cgroup))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
