"""A running service looks at its log for feedback loops."""

import time
from dataclasses import replace

import numpy as np

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.evaluate.loops import Alarm, Kind, Loops
from matinee.events import DAY
from matinee.recipes import loop_watch
from matinee.recipes.loop_watch import LoopWatch, alarms_of
from matinee.report.loops import REMEDIES
from matinee.testing.worlds import make_decisions

NOW = time.time_ns() // 1_000 // DAY * DAY


def decided(days, per_day=120):
    """A title of two a decision, for forty members, on each of the days before now."""
    times = (NOW - (1 + np.repeat(np.arange(days), per_day)) * DAY + np.tile(np.arange(per_day), days)).tolist()
    ids = [f"d{at}" for at in range(len(times))]
    items = np.random.default_rng(0).integers(2, size=len(times))
    return make_decisions(times, [f"u{at % 40}" for at in range(len(times))], ids, items)


def test_its_numbers_are_those_of_the_log(place):
    with EventLog(place.log_path) as log:
        watch = LoopWatch(log, lambda: Catalog.load(place.catalog_path))
        watch.look(NOW)
        assert watch.numbers == {"steps": 0, "new": 0, "starved": 0}
        log.decisions.append(decided(10))
        watch.look(NOW)
        assert watch.numbers == {"steps": 10, "new": 0, "starved": 0}


def test_what_was_found_is_an_alarm_with_its_remedy():
    swing = Alarm(Kind.SWING, ("Drama", "War"), "2026-11-01", 0.001, 0.1, 14.0)
    found = Loops(50, 1, 42, "2026-10-01", "2026-11-20", None, alarms=(swing,), new=10, starved=6)
    assert [(one.name, one.cause) for one in alarms_of(found)] == [
        ("loop_swing", "the log tells of swing of Drama and War since 2026-11-01"),
        ("starved", "of 10 new titles 6 were shown less than a tenth as often as an even share"),
    ]
    assert all(one.remedy for one in alarms_of(found))
    for quiet in ({"new": 10, "starved": 5}, {"new": 9, "starved": 9}):
        assert list(alarms_of(replace(found, alarms=(), **quiet))) == []
    assert set(REMEDIES) == set(Kind)


def test_it_looks_in_the_background_until_the_block_ends(place, monkeypatch):
    monkeypatch.setattr(loop_watch, "FIRST", 0.0)
    with EventLog(place.log_path) as log:
        log.decisions.append(decided(45))
        watch = LoopWatch(log, lambda: Catalog.load(place.catalog_path))
        with watch.running():
            for _ in range(1_000):
                if watch.numbers:
                    break
                time.sleep(0.02)
        assert watch.numbers["steps"] == 45
        assert watch.numbers["alarm_swing"] == 0.0
        assert 0 < watch.numbers["repeats"] <= 1
