"""Sealing, deleting and forgetting beside the service: others write meanwhile, and nobody pays for nothing."""

import logging
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from matinee.data.log import EventLog
from matinee.data.log import compact as log_compact
from matinee.data.log import forget as log_forget
from matinee.data.log import store as log_store
from matinee.data.log.dialect import Cursor
from matinee.decision import Decisions
from matinee.errors import LogFull, NotFound
from matinee.testing import make_decisions

DAY = 86_400_000_000
FOREVER = 2**62


def event(event_id: str, day: float = 0, user: str = "ann", **fields: object) -> dict:
    given = {"event_id": event_id, "user_id": user, "item_id": "t1", "kind": "open", **fields}
    return {"timestamp": int(day * DAY), **given}


def decided(n: int, members: int = 1) -> Decisions:
    """Decisions d000, d001, ... at the microseconds 0, 1, ... of some members, each a few kilobytes."""
    queries = tuple(np.random.default_rng(k).bytes(2_000).hex() for k in range(n))
    return make_decisions(
        range(n), [f"m{k % members}" for k in range(n)], [f"d{k:03}" for k in range(n)], queries=queries
    )


@pytest.fixture
def log(tmp_path: Path):
    with EventLog(tmp_path / "events.db") as opened:
        yield opened


@pytest.fixture
def full(log: EventLog) -> EventLog:
    """Some megabytes of many members."""
    log.append_events([event(f"e{n}", 0.5, f"m{n % 50}", query="q" * 100) for n in range(20_000)])
    log.decisions.append(decided(500, 50))
    return log


def test_deleting_nobody_asks_nothing_of_the_writer(log: EventLog):
    log.append_events([event("a")])
    entered, gate = threading.Event(), threading.Event()
    blocked = log._store.writer.run(lambda cursor: (entered.set(), gate.wait(60)))
    assert entered.wait(60)
    for n in range(8):
        assert log.delete_member(f"nobody{n}") == {"events": 0, "decisions": 0, "profiles": 0}
    assert not blocked.done(), "the writer was halted all the while"
    gate.set()
    blocked.result()


def test_deletions_that_wait_share_one_rewrite(full: EventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    turns: list[int] = []
    turn = log_compact._turn
    monkeypatch.setattr(log_compact, "_turn", lambda cursor: (turns.append(1), turn(cursor))[1])
    with ThreadPoolExecutor(8) as pool:
        removed = list(pool.map(full.delete_member, [f"m{n}" for n in range(8)]))
    assert removed == [{"events": 400, "decisions": 10, "profiles": 0}] * 8
    assert len(turns) < 8, "at most two where all begin at once"
    assert full.read(FOREVER).height == 20_000 - 8 * 400


def test_noting_a_deletion_looks_at_no_row_of_others(full: EventLog):
    """Others wait while it is noted: that takes fewer steps of the database than it has rows, 20,500."""
    work = 0

    def count() -> None:
        nonlocal work
        work += 1

    def noted(cursor: Cursor) -> None:
        cursor.connection.set_progress_handler(count, 10)
        log_forget._note(cursor, "m7")
        cursor.connection.set_progress_handler(None, 0)

    full._store.do(noted)
    assert 0 < work * 10 < 20_500


def test_replaced_files_go_one_a_step(log: EventLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A member of many sealed days leaves many files behind; others write between any two of them."""
    log.append_events([event(f"{user}{n}", n, user) for n in range(9) for user in ("ann", "bob")])
    log.seal(date(1970, 1, 10))
    do, gone = log_store.Store.do, []

    def counted(store: log_store.Store, work: Callable) -> object:
        before = set(tmp_path.rglob("*.parquet"))
        result = do(store, work)
        gone.append(len(before - set(tmp_path.rglob("*.parquet"))))
        return result

    monkeypatch.setattr(log_store, "STEP", 0)
    monkeypatch.setattr(log_store.Store, "do", counted)
    log.delete_member("ann")
    assert [sum(gone), max(gone)] == [9, 1]
    assert log.read(FOREVER)["event_id"].to_list() == [f"bob{n}" for n in range(9)]


@pytest.mark.parametrize(
    "work",
    [
        lambda log: log.delete_member("m7"),
        lambda log: log.seal(date(1970, 1, 2)),
        lambda log: log.decisions.forget(FOREVER),
    ],
    ids=["deleting", "sealing", "forgetting"],
)
def test_others_write_between_the_steps_of_long_work(
    full: EventLog, work: Callable[[EventLog], object], monkeypatch: pytest.MonkeyPatch
):
    """No step takes more than a moment: steps are made as short as they go, and between any two a write fits."""
    monkeypatch.setattr(log_store, "STEP", 0.002)
    with ThreadPoolExecutor(1) as pool:
        done, written = pool.submit(work, full), 0
        while not done.done():
            full.append_events([event(f"beside{written}", 9, "zoe")])
            written += 1
        done.result()
    assert written >= 4
    assert full.read(FOREVER, user_ids=["zoe"]).height == written


def test_what_comes_while_a_member_is_deleted_starts_a_new_record(full: EventLog):
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(full.delete_member, "m7")
        while not done.done():
            full.append_events([event("new", 9, "m7")])
    assert done.result()["events"] in (400, 401)
    assert full.read(FOREVER, user_ids=["m7"])["event_id"].to_list() in (["new"], [])


def test_reading_and_repeating_hold_while_a_sealed_day_moves(full: EventLog, monkeypatch: pytest.MonkeyPatch):
    """Half moved, everything is there once, in order, and no id can be taken again."""
    expected, looked = full.read(FOREVER), []
    some = [event(f"e{n}", 0.5, f"m{n % 50}") for n in range(0, 20_000, 400)]
    do = log_store.Store.do

    def looking(store: log_store.Store, work: Callable) -> object:
        result = do(store, work)
        if len(looked) < 6:
            looked.append(full.read(FOREVER).equals(expected) and full.read(FOREVER, user_ids=["m3"]).height == 400)
            looked.append(not any(full.append_events(some)))
        return result

    monkeypatch.setattr(log_store, "STEP", 0)
    monkeypatch.setattr(log_store.Store, "do", looking)
    full.seal(date(1970, 1, 2))
    assert looked == [True] * 6
    assert full.read(FOREVER).equals(expected)


def test_decisions_are_forgotten_before_a_time_and_not_after(log: EventLog):
    log.decisions.append(decided(100))
    assert log.decisions.forget(60) == 60
    assert [one for batch in log.decisions.read(FOREVER) for one in batch.ids] == [f"d{n:03}" for n in range(60, 100)]
    with pytest.raises(NotFound):
        log.decisions.get("d059")
    assert log.decisions.forget(60) == 0


@contextmanager
def no_room() -> Iterator[None]:
    """No file of this process may grow beyond a page."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_said_once_and_nothing_of_the_write_is_stored(log: EventLog, caplog: pytest.LogCaptureFixture):
    log.append_events([event("a")])
    with caplog.at_level(logging.INFO, "matinee.log"):
        with no_room():
            for n in range(5):
                with pytest.raises(LogFull, match="make space"):
                    log.append_events([event(f"{n}-{m}") for m in range(20)])
                assert "no room" in log.trouble
        assert log.trouble == "", "asking tries again"
        assert log.append_events([event("b")]) == [True]
    assert log.read(FOREVER)["event_id"].to_list() == ["a", "b"]
    assert [line.levelname for line in caplog.records] == ["ERROR", "INFO"]
