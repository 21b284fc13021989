"""The suite that every event log passes: what an `EventLog` promises, whatever its database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl

from matinee.data.log import EventLog
from matinee.errors import NotFound
from matinee.events import DAY, END_OF_TIME
from matinee.profile import Profile
from matinee.testing.worlds import make_decisions

MEMBERS = ("ann", "bob", "cid")
BEFORE = date(1970, 1, 3)  # two whole days lie before it
TODAY = 2 * DAY  # its first microsecond
MANY = 1_200  # decisions that are enough to make a file at once


def check_log(make: Callable[[], EventLog]) -> None:
    """Raise AssertionError at the first promise of `EventLog` that the log of `make()` breaks.

    Each call of `make` opens the same log, which is empty at first. Checked: an event and a decision
    are taken once, in the order of arrival, also after sealing; profiles are replaced; two handles
    hear of each other; a deleted member is gone and the others are not; all is there when the log
    is opened again.
    """
    with make() as log, make() as other:
        assert log.read(END_OF_TIME).is_empty(), "the log of make() is not empty at first"
        _check_events(log, other)
        _check_decisions(log)
        _check_profiles(log, other)
        before = _content(log)
        _check_sealing(log, before)
        _check_deletion(log, other, before)
        log.check()
        left = _content(other)
    with make() as again:
        assert _content(again) == left, "the log opened again holds other things"
        assert again.append_events([_event("e0", "bob")]) == [False], "an id is taken twice once reopened"


def _event(event_id: str, user: str, time: int = 0) -> dict[str, Any]:
    return {"event_id": event_id, "user_id": user, "item_id": "t", "kind": "open", "timestamp": time}


def _content(log: EventLog) -> dict[str, Any]:
    """All that a log gives back of events, decisions and profiles."""
    decided = [
        one
        for batch in log.decisions.read(END_OF_TIME)
        for one in zip(batch.requests.times.tolist(), batch.ids, batch.requests.user_ids, strict=True)
    ]
    return {
        "events": log.read(END_OF_TIME).rows(),
        "decisions": sorted(decided),
        "profiles": sorted(log.profiles(), key=lambda one: one.user_id),
        "arrived": log.arrived,
    }


def _check_events(log: EventLog, other: EventLog) -> None:
    seen, _ = log.changes(0)
    rows = [_event(f"e{n // 3}", MEMBERS[n % 3], n % 5 * DAY // 2) for n in range(60)]
    assert log.append_events(rows, received=5) == [True] * 60, "a new event is not taken"
    assert other.append_events(rows[:3]) == [False] * 3, "an event is taken twice"
    assert log.arrived == 60, f"60 events arrived, the log counts {log.arrived}"
    expected = sorted(range(60), key=lambda n: (n % 5, n))
    got = list(zip(*log.read(END_OF_TIME).select("event_id", "user_id"), strict=True))
    assert got == [(f"e{n // 3}", MEMBERS[n % 3]) for n in expected], "events are not in the order of time, arrival"
    assert log.read(TODAY, since=DAY, user_ids=["ann"])["event_id"].to_list() == [
        f"e{n // 3}" for n in expected if DAY <= n % 5 * DAY // 2 < TODAY and n % 3 == 0
    ], "events are not filtered by time and member"
    assert log.read(END_OF_TIME, arrived=7).height == 7, "events are not filtered by arrival"
    assert log.read(END_OF_TIME)["received"].cast(pl.Int64).unique().to_list() == [5], "arrival is not as told"
    assert other.changes(seen)[1] == frozenset(MEMBERS), "another handle does not hear of new events"
    assert log.changes(seen)[1] == frozenset(), "a handle hears of its own events"


def _check_decisions(log: EventLog) -> None:
    few, many = [f"d{n}" for n in range(9)], [f"m{n}" for n in range(MANY)]
    for _ in range(2):  # the second time changes nothing
        log.decisions.append(make_decisions([DAY * (n % 3) for n in range(9)], MEMBERS * 3, few))
        log.decisions.append(make_decisions([7] * MANY, MEMBERS * (MANY // 3), many))
    found = [one for batch in log.decisions.read(END_OF_TIME) for one in batch.ids]
    assert sorted(found) == sorted(few + many), "a decision is lost or doubled"
    assert log.decisions.get("d4").requests.user_ids.to_list() == ["bob"], "a decision is another member's"
    assert sum(len(one) for one in log.decisions.of_member("cid")) == 3 + MANY // 3, "a member's are others"


def _check_profiles(log: EventLog, other: EventLog) -> None:
    log.put_profiles([Profile(user, name=f"Old {user}") for user in MEMBERS])
    other.put_profile(Profile("ann", name="Ann", maturity_limit=7))
    log.add_profiles([Profile("ann", name="Never"), Profile("dan", name="100%")])
    assert log.profile("ann") == Profile("ann", name="Ann", maturity_limit=7), "a profile is not replaced"
    assert [one.user_id for one in other.profiles("100%")] == ["dan"], "a profile is not found by its name"
    assert other.profile("eve") is None, "nobody has a profile"


def _check_sealing(log: EventLog, before: dict[str, Any]) -> None:
    assert len(log.seal(BEFORE)) == 4, "two days of events and of decisions are not sealed"
    assert _content(log) == before, "sealing changed what is read"
    assert log.append_events([_event("e0", "ann")]) == [False], "the id of a sealed event is taken twice"
    assert log.seal(BEFORE) == [], "sealing again has something to do"
    assert log.decisions.get("d3").ids == ("d3",), "a sealed decision is not found"


def _check_deletion(log: EventLog, other: EventLog, before: dict[str, Any]) -> None:
    seen, _ = other.changes(0)
    counts = log.delete_member("ann")
    assert counts == {"events": 20, "decisions": 3 + MANY // 3, "profiles": 1}, f"the deletion counts {counts}"
    left = _content(other)
    assert left["events"] == [row for row in before["events"] if row[1] != "ann"], "events of others changed"
    assert left["decisions"] == [one for one in before["decisions"] if one[2] != "ann"], "decisions of others changed"
    assert [one.user_id for one in left["profiles"]] == ["bob", "cid", "dan"], "profiles of others changed"
    assert left["arrived"] == before["arrived"], "a deletion turns the order of arrival back"
    assert other.changes(seen)[1] is None, "another handle does not hear of a deletion"
    assert not any(log.delete_member("ann").values()), "a deleted member is still there"
    try:
        log.decisions.get("d0")
    except NotFound:
        return
    raise AssertionError("a decision of a deleted member is still found")
