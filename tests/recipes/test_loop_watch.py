"""A running service looks at its log for feedback loops."""

import time
from dataclasses import replace

import numpy as np
import polars as pl

from matinee.catalog import Catalog
from matinee.data.log import EventLog
from matinee.data.shown_choices import shown_choices
from matinee.evaluate.looks import Share
from matinee.evaluate.loops import Alarm, Kind, Loops
from matinee.evaluate.results import Estimate
from matinee.evaluate.served import served_by_likes
from matinee.events import DAY, clean
from matinee.recipes import loop_watch
from matinee.recipes.loop_watch import LoopWatch, alarms_of, unserved
from matinee.report.loops import REMEDIES
from matinee.testing.worlds import NOW as WHEN
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


def test_members_who_are_surely_served_less_are_an_alarm():
    def share(name, members, low, value, high):
        return Share(name, 1_000, members, Estimate(value, low, high))

    best = share("101", 50, 0.2, 0.25, 0.3)
    assert [one.name for one in unserved([share("0", 40, 0.05, 0.07, 0.09), best])] == ["served_0"]
    for quiet in (share("0", 40, 0.05, 0.08, 0.11), share("0", 20, 0.05, 0.07, 0.09)):
        assert list(unserved([quiet, best])) == []
    assert list(unserved([])) == []


def test_plays_a_look_go_by_the_likes_before_the_last_weeks():
    """m0 liked two titles two months ago and plays one of the two looks; m1 liked nothing before and plays none."""
    catalog = Catalog.from_frame(pl.DataFrame({"item_id": ["t0", "t1", "t2"], "title": ["a", "b", "c"]}))
    shown = shown_choices([make_decisions([NOW - DAY] * 3, ["m0", "m0", "m1"], ["d0", "d1", "d2"], [0, 1, 2])])
    told = [("m0", "t0", "play", 60.0, None), ("m0", "t1", "play", 60.0, None)]
    told += [
        (who, item, "impression", 0.99, of)
        for who, item, of in (("m0", "t0", "d0"), ("m0", "t1", "d1"), ("m1", "t2", "d2"))
    ]
    told += [("m0", "t0", "play", 0.98, "d0")]
    users, items, kinds, days, decisions = zip(*told, strict=True)
    frame = {"user_id": users, "item_id": items, "kind": kinds, "decision_id": decisions}
    ids, seconds = [f"e{k}" for k in range(len(told))], [int((NOW - day * DAY) // 1_000_000) for day in days]
    values = [1.0 if kind == "play" else None for kind in kinds]
    events = clean(pl.DataFrame({**frame, "event_id": ids, "timestamp": seconds, "value": values}), WHEN)[0]
    served = served_by_likes(shown, events, catalog, NOW)
    assert [(one.name, one.looks, one.rate.value) for one in served] == [("0", 1, 0.0), ("1", 2, 0.5)]


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
