"""How long to wait on this machine, now: a fixed piece of work against its time on a quiet core."""

from __future__ import annotations

import time
from functools import cache

WORK = range(1_200_000)
QUIET = 0.35  # seconds that `_work` takes on a quiet core of a server of 2024


@cache
def patience() -> float:
    """The factor, at least 1, by which every wait of this session is longer than on a quiet machine."""
    started = time.perf_counter()
    _work()
    return max(1.0, (time.perf_counter() - started) / QUIET)


def _work() -> None:
    for _ in range(6):
        sum(n * n for n in WORK)
