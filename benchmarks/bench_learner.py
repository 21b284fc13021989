"""What a billboard that learns pays for its log: a slice as it comes, and the first slices of a day read again.

    python benchmarks/bench_learner.py [EVENTS]

A log of EVENTS (1,000,000 if left out) by 10,000 members over 100 sealed days, and a tenth as many decisions on the
last ten of them, in slices of ten minutes. `run()` returns machine, events, decisions; slice_ms, the median of single
slices, each looked at by itself as in a running service; again_ms, what each of `AGAIN` slices takes that are learned
in one go, as after a restart. No seed but 0.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from machine import machine

from matinee.catalog import Catalog
from matinee.data.histories import histories_of
from matinee.data.log import EventLog
from matinee.decision import Decisions, Requests
from matinee.events import DAY, END_OF_TIME, clean
from matinee.policies.uniform import Uniform
from matinee.profile import Profile
from matinee.recipes.learning import LearnerConfig, lessons

EVENTS, MEMBERS, TITLES, DAYS, DECIDED = 1_000_000, 10_000, 1_000, 100, 10
SINGLE, AGAIN = 5, 24  # slices looked at
START = 1_700_006_400_000_000  # midnight
CONFIG = LearnerConfig()
SLICE = round(CONFIG.every * 1e6)
Progress = Callable[[str, float], None]


def run(progress: Progress = lambda what, done: None, events: int = EVENTS) -> dict[str, Any]:
    """Measure; see the top of this file for the keys."""
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": [f"t{k}" for k in range(TITLES)]}))
    with TemporaryDirectory() as folder, EventLog(Path(folder) / "log.sqlite3") as log:
        progress("writing a log", 0.0)
        decisions = _fill(log, catalog, events, np.random.default_rng(0))
        progress("learning", 0.6)
        noon = START + (DAYS - 1) * DAY + DAY // 2
        single = [_seconds(log, catalog, noon + k * SLICE, noon + (k + 1) * SLICE) for k in range(SINGLE)]
        again = _seconds(log, catalog, noon, noon + AGAIN * SLICE)
    return {
        "machine": machine(),
        "events": events,
        "decisions": decisions,
        "slice_ms": 1e3 * float(np.median(single)),
        "again_ms": 1e3 * again / AGAIN,
    }


def _seconds(log: EventLog, catalog: Catalog, since: int, until: int) -> float:
    started = time.perf_counter()
    learned = sum(len(one.decisions) for one in lessons(log, catalog, since, until, CONFIG))
    assert learned > 0
    return time.perf_counter() - started


def _fill(log: EventLog, catalog: Catalog, events: int, rng: np.random.Generator) -> int:
    """Plays of all days, sealed but for the last day; then decisions with the histories of their moment."""
    times = np.sort(rng.integers(START, START + DAYS * DAY, events))
    plays = pl.DataFrame(
        {
            "event_id": [f"e{k}" for k in range(events)],
            "user_id": [f"m{k}" for k in rng.integers(MEMBERS, size=events)],
            "item_id": [f"t{k}" for k in rng.integers(TITLES, size=events)],
            "kind": "play",
            "value": rng.uniform(size=events),
            "timestamp": times / 1e6,
        }
    )
    known, _ = clean(plays)
    log.import_events(known)
    log.seal(date.fromtimestamp((START + (DAYS - 1) * DAY) / 1e6))
    for day in range(DAYS - DECIDED, DAYS):
        made = _decided(log, catalog, known, START + day * DAY, events // 10 // DECIDED, rng)
        log.decisions.append(made)
    return events // 10


def _decided(
    log: EventLog, catalog: Catalog, known: pl.DataFrame, morning: int, n: int, rng: np.random.Generator
) -> Decisions:
    """`n` decisions of a day, each by what was known of its member before it."""
    times = np.sort(rng.integers(morning, morning + DAY, n))
    people = [Profile(f"m{k}") for k in rng.integers(MEMBERS, size=n)]
    histories = histories_of(known, [one.user_id for one in people], catalog, END_OF_TIME).by(times)
    arrived = np.full(n, log.arrived, np.int64)
    asked = Requests.of_histories(histories, times, people, surface="home", arrived=arrived)
    return Uniform(catalog).decide(asked, rng)


if __name__ == "__main__":
    for key, value in run(lambda what, done: print(what, flush=True), *map(int, sys.argv[1:])).items():
        print(f"{key:16} {value:,.1f}" if isinstance(value, float) else f"{key:16} {value}")
