"""Decisions made for several people belong to each of them: whoever is deleted, they leave."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from matinee.data.log import EventLog
from matinee.data.log import decided as log_decided
from matinee.data.log import schema as sql
from matinee.data.log.rebuild import rebuild
from matinee.decision.company import Company
from matinee.events import DAY
from matinee.profile import Profile
from matinee.testing import make_decisions

MARK = "zq-forgotten-zq"
LATER = 2**60
SEALED = date(1970, 1, 3)


def of_several(decision_id: str, *people: str, time: int = 5):
    """A decision for the first of these people, with whom the others watch."""
    profiles = [Profile(one) for one in people]
    company = Company.of([list(range(1, len(people)))])
    return make_decisions([time], people[:1], [decision_id], profiles=profiles, together=company)


def ids(log: EventLog) -> list[str]:
    return sorted(one for batch in log.decisions.read(LATER) for one in batch.ids)


def mentions(folder: Path) -> list[str]:
    return [str(file) for file in folder.rglob("*") if file.is_file() and MARK.encode() in file.read_bytes()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "events.db"
    with EventLog(path) as log:
        log.decisions.append(of_several("with-them", "ann", "bob", MARK))
        log.decisions.append(of_several("with-like-named", "ann", MARK + "2"))
        log.decisions.append(of_several("theirs", MARK, "ann"))
        log.decisions.append(of_several("without", "ann", "bob", time=DAY))
    return path


@pytest.mark.parametrize("sealed", [False, True])
def test_whoever_is_deleted_takes_what_was_decided_for_them_along(path: Path, sealed: bool):
    with EventLog(path) as log:
        if sealed:
            log.seal(SEALED)
        gone = log.delete_member(MARK)
        assert gone["decisions"] == 2
        assert ids(log) == ["with-like-named", "without"]
        log.delete_member(MARK + "2")
        assert ids(log) == ["without"]
    assert not mentions(path.parent)


def test_the_one_who_asked_is_deleted_as_ever(path: Path):
    with EventLog(path) as log:
        log.delete_member("ann")
        assert ids(log) == []


def test_a_large_batch_that_makes_its_own_file_knows_them_too(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log_decided, "PART", 1)
    with EventLog(path) as log:
        log.decisions.append(of_several("in-a-part", "cid", MARK, time=2 * DAY))
        assert any(path.parent.rglob("decisions-*"))
        log.delete_member(MARK)
        assert ids(log) == ["with-like-named", "without"]


def test_a_rebuilt_log_knows_who_watched_too(path: Path):
    with EventLog(path) as log:
        log.seal(SEALED)
    path.unlink()
    rebuild(path)
    with EventLog(path) as log:
        log.delete_member(MARK)
        assert ids(log) == ["with-like-named", "without"]


def test_what_is_forgotten_before_a_day_leaves_nothing_that_names_them(path: Path):
    with EventLog(path) as log:
        log.decisions.forget(DAY)
        assert ids(log) == ["without"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT user_id FROM companions").fetchall() == [("bob",)]


def test_a_log_of_version_3_learns_to_note_them(tmp_path: Path):
    path = tmp_path / "events.db"
    with EventLog(path) as log:
        log.decisions.append(make_decisions([5], ["ann"], ["alone"]))
    with closing(sqlite3.connect(path)) as connection:
        for statement in ("DROP VIEW companions", *(f"DROP TABLE companions_{g}" for g in sql.GENERATIONS)):
            connection.execute(statement)
        connection.execute("UPDATE matinee_schema SET version = 3")
        connection.commit()
    with EventLog(path) as log:
        log.decisions.append(of_several("with-them", "ann", MARK))
        assert ids(log) == ["alone", "with-them"]
        log.delete_member(MARK)
        assert ids(log) == ["alone"]
