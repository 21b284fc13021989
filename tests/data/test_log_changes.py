"""What one handle of the log wrote, the others hear of."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import perf_counter

import pytest

from matinee.data.log import EventLog
from matinee.data.log import log as log_module
from matinee.profile import Profile
from matinee.testing import make_decisions


def event(event_id: str, user: str) -> dict:
    return {"event_id": event_id, "user_id": user, "item_id": "t1", "kind": "open", "timestamp": 5}


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[tuple[EventLog, EventLog]]:
    with EventLog(tmp_path / "events.db") as ours, EventLog(tmp_path / "events.db") as theirs:
        yield ours, theirs


def test_a_handle_hears_of_what_others_wrote_and_not_of_its_own(logs: tuple[EventLog, EventLog]):
    ours, theirs = logs
    seen, _ = ours.changes(0)
    assert ours.changes(seen) == (seen, frozenset())
    ours.append_events([event("a", "ann")])
    theirs.append_events([event("b", "bob"), event("c", "cid"), event("a", "ann")])
    theirs.put_profile(Profile("dan"))
    now, changed = ours.changes(seen)
    assert (now > seen, changed) == (True, frozenset({"bob", "cid", "dan"}))
    assert ours.changes(now) == (now, frozenset())
    assert theirs.changes(seen) == (now, frozenset({"ann"}))


def test_what_changes_no_member_is_not_told(logs: tuple[EventLog, EventLog]):
    ours, theirs = logs
    theirs.append_events([event("a", "ann")])
    seen, _ = ours.changes(0)
    theirs.append_events([event("a", "ann")])
    theirs.decisions.append(make_decisions([5], ["ann"], ["d"]))
    theirs.seal(date(1970, 1, 2))
    assert ours.changes(seen) == (seen, frozenset())


def test_a_deletion_is_told_without_a_name(logs: tuple[EventLog, EventLog]):
    ours, theirs = logs
    theirs.append_events([event("a", "ann")])
    seen, _ = ours.changes(0)
    theirs.delete_member("ann")
    now, changed = ours.changes(seen)
    assert changed is None
    assert ours.changes(now) == (now, frozenset())


def test_more_than_is_kept_or_unknown_means_everyone(logs: tuple[EventLog, EventLog], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log_module, "_CHANGES_KEPT", 10)
    monkeypatch.setattr(log_module, "_TOLD_AT_ONCE", 5)
    ours, theirs = logs
    seen, _ = ours.changes(0)
    for n in range(11):
        theirs.append_events([event(str(n), f"m{n}")])
    now, changed = ours.changes(seen)
    assert changed is None
    assert ours.changes(now - 10) == (now, frozenset(f"m{n}" for n in range(1, 11)))
    assert ours.changes(now + 1) == (now, None), "a version that was never given, as of another database"
    theirs.append_events([event(f"many{n}", f"m{n}") for n in range(6)])
    assert ours.changes(now)[1] is None, "an import of many members"


def test_asking_costs_next_to_nothing_when_nothing_is_new(logs: tuple[EventLog, EventLog]):
    ours, theirs = logs
    theirs.append_events([event(str(n), f"m{n}") for n in range(500)])
    seen, _ = ours.changes(0)
    opened = perf_counter()
    EventLog(ours._store.path).close()
    opened = perf_counter() - opened
    least = min(_seconds(ours, seen) for _ in range(50))
    assert least < max(50e-6, opened / 20), "some 10 microseconds on a quiet machine"


def _seconds(log: EventLog, seen: int) -> float:
    start = perf_counter()
    assert log.changes(seen) == (seen, frozenset())
    return perf_counter() - start
