"""How long a write waits while the log is looked after: members deleted, a day sealed, old decisions forgotten.

    python benchmarks/bench_upkeep.py [SHARE]

SHARE of the log's size, 1 if left out. A log of `events` of one day and `decisions` of 6 kB each. One thread writes an
event every 5 ms and takes the time until it is on disk. `run()` returns machine, bytes; for `quiet`, `delete` (eight
members at once), `delete_nobody` (eight unknown ones), `seal` (the day) and `forget` (all decisions): NAME_seconds,
NAME_wait_p50_ms, NAME_wait_max_ms.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from machine import machine
from rich.console import Console
from rich.table import Table
from served import Progress

from matinee.data.log import EventLog
from matinee.events import clean
from matinee.testing import make_decisions

EVENTS = 700_000
DECISIONS = 30_000
MEMBERS = 5_000
DAY = 86_400


def run(progress: Progress | None = None, events: int = EVENTS, decisions: int = DECISIONS) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    with tempfile.TemporaryDirectory() as folder, EventLog(Path(folder) / "log.sqlite3") as log:
        progress("writing a log", 0.0)
        _fill(log, events, decisions)
        found: dict[str, Any] = {"machine": machine(), "bytes": (Path(folder) / "log.sqlite3").stat().st_size}
        for at, (name, work) in enumerate(WORK.items()):
            progress(name, 0.3 + 0.1 * at)
            found |= {f"{name}_{key}": value for key, value in _beside(log, lambda work=work: work(log)).items()}
        return found


def _eight_at_once(log: EventLog, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.delete_member, [f"{name}{n}" for n in range(8)]))


WORK: dict[str, Callable[[EventLog], Any]] = {
    "quiet": lambda log: time.sleep(2),
    "delete_nobody": lambda log: _eight_at_once(log, "nobody"),
    "delete": lambda log: _eight_at_once(log, "m"),
    "seal": lambda log: log.seal(date(1970, 1, 3)),
    "forget": lambda log: log.decisions.forget(2**62),
}


def _fill(log: EventLog, events: int, decisions: int) -> None:
    rng = np.random.default_rng(0)
    users = [f"m{n}" for n in rng.integers(MEMBERS, size=events)]
    frame = pl.DataFrame({"event_id": [f"e{n}" for n in range(events)], "user_id": users, "kind": "open"})
    frame = frame.with_columns(item_id=pl.lit("t1"), timestamp=pl.Series(DAY + rng.random(events) * DAY))
    log.import_events(clean(frame)[0])
    for start in range(0, decisions, 500):
        numbers = range(start, min(start + 500, decisions))
        names, members = [f"d{n}" for n in numbers], [f"m{n % MEMBERS}" for n in numbers]
        pads = tuple(rng.bytes(6_000).hex() for _ in numbers)  # 6 kB each also when compressed
        log.decisions.append(make_decisions(numbers, members, names, queries=pads))


def _beside(log: EventLog, work: Callable[[], Any]) -> dict[str, float]:
    """Seconds that `work` takes, and milliseconds that writes beside it wait."""
    waits, done = [], threading.Event()

    def write() -> None:
        while not done.is_set():
            start = time.perf_counter()
            log.append_events(
                [{"event_id": f"beside{start}", "user_id": "zoe", "item_id": "t1", "kind": "open", "timestamp": 1}]
            )
            waits.append((time.perf_counter() - start) * 1e3)
            time.sleep(0.005)

    writer = threading.Thread(target=write)
    writer.start()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    done.set()
    writer.join()
    return {"seconds": seconds, "wait_p50_ms": float(np.median(waits)), "wait_max_ms": max(waits)}


if __name__ == "__main__":
    table = Table(title="Writes beside the log's upkeep", title_justify="left", show_header=False)
    share = float(sys.argv[1]) if sys.argv[1:] else 1.0
    sizes = (int(share * n) for n in (EVENTS, DECISIONS))
    for key, value in run(lambda what, done: print(f"{done:4.0%} {what}", flush=True), *sizes).items():
        table.add_row(key, f"{value:,.4g}" if isinstance(value, float) else str(value))
    Console().print(table)
