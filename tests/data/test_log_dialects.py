"""The log says nothing of its database but through a `Dialect`: two of them pass one suite, open at once."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from matinee.data.log import EventLog
from matinee.data.log.dialect import Connection, Steps
from matinee.data.log.file import connect
from matinee.data.log.sqlite import SQLITE
from matinee.testing import check_log


class Speaker:
    """What runs a statement with `%s` for each value, and no other."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def __iter__(self) -> Any:
        return iter(self._own)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> "Speaker":
        self._own.execute(understood(statement), values)
        return self

    def executemany(self, statement: str, rows: Any) -> "Speaker":
        self._own.executemany(understood(statement), rows)
        return self


def understood(statement: str) -> str:
    assert "?" not in statement, f"another database's mark: {statement}"
    assert "ON CONFLICT" not in statement, f"another database's upsert: {statement}"
    return statement.replace("%s", "?")


class Foreign(Connection):
    """A connection whose cursors are `Speaker`s."""

    def cursor(self, *args: Any) -> Any:
        return Speaker(super().cursor(*args))


def placed(cursor: Any, insertion: str, values: Sequence[Any]) -> int:
    return cursor.execute(f"{insertion} RETURNING seq", values).fetchone()[0]


def replacing(table: str, columns: Sequence[str], key: str) -> str:
    return f"REPLACE INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"


def vacuum(store: Steps, deletions: int) -> None:
    """Space comes back all at once, and the tables stay where they are."""
    with store.reading() as cursor:
        (served,) = cursor.execute("SELECT served FROM matinee_log").fetchone()
    if served >= deletions:
        return
    with closing(connect(store.path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    served_now = "UPDATE matinee_log SET serving = ?, served = ?"
    store.do(lambda cursor: cursor.execute(served_now, (deletions, deletions)) and None)


FOREIGN = replace(
    SQLITE, mark="%s", placed=placed, upsert=replacing, compact=vacuum, connect=partial(connect, factory=Foreign)
)


@pytest.fixture(params=[SQLITE, FOREIGN], ids=["sqlite", "foreign"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], EventLog]:
    """Opens the log of one dialect."""
    return partial(EventLog, tmp_path / "log.db", request.param)


def test_a_log_of_each_dialect_keeps_its_promises(make: Callable[[], EventLog]):
    check_log(make)


def test_logs_of_two_dialects_are_open_at_once(tmp_path: Path):
    row = {"event_id": "a", "user_id": "ann", "item_id": "t", "kind": "open", "timestamp": 5}
    with EventLog(tmp_path / "one" / "log.db") as one, EventLog(tmp_path / "two" / "log.db", FOREIGN) as two:
        for log in (one, two, one, two):
            log.append_events([row])
        assert [one.delete_member("ann"), two.profile("ann")] == [{"events": 1, "decisions": 0, "profiles": 0}, None]
        assert [log.read(2**62).height for log in (one, two)] == [0, 1]


def test_a_dialect_is_spoken_or_the_log_does_not_open(tmp_path: Path):
    """The other database of these tests takes its own marks alone, so that the suite proves something."""
    with pytest.raises(AssertionError, match="another database's mark"):
        EventLog(tmp_path / "log.db", replace(FOREIGN, mark="?"))


BROKEN = {
    "taken twice": ("append_events", lambda own: lambda log, rows, **given: [True] * len(own(log, rows, **given))),
    "order of time": ("read", lambda own: lambda *given, **wanted: own(*given, **wanted).reverse()),
    "not replaced": ("put_profile", lambda own: lambda log, profile: None),
    "not sealed": ("seal", lambda own: lambda log, before: []),
    "the deletion counts": ("delete_member", lambda own: lambda log, user_id: {}),
    "does not hear": ("changes", lambda own: lambda log, since: (since, frozenset())),
}


@pytest.mark.parametrize("promise", BROKEN)
def test_a_broken_promise_of_a_log_is_caught(promise: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name, broken = BROKEN[promise]
    monkeypatch.setattr(EventLog, name, broken(getattr(EventLog, name)))
    with pytest.raises(AssertionError, match=promise):
        check_log(partial(EventLog, tmp_path / "log.db"))
