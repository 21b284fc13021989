"""Thinning: what is kept is the same each time, says how likely that was, and stands for all that was made."""

import sqlite3
import zipfile
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.log import EventLog
from matinee.data.log.rebuild import rebuild
from matinee.data.log.thinning import thinned
from matinee.decision import Decisions
from matinee.decision.columns import Columns
from matinee.errors import BadRequest, NotFound
from matinee.profile import Profile
from matinee.testing import make_decisions

DAY = 86_400_000_000
FOREVER = 2**62
OLD = date(1970, 1, 4)  # three whole days lie before it
MEMBERS = 40
N = 4 * MEMBERS


def decided() -> Decisions:
    """One decision for each of 40 members on each of 4 days; two members share an account."""
    users = [f"m{n % MEMBERS}" for n in range(N)]
    profiles = [Profile(user, account_id="home" if user in ("m0", "m1") else "") for user in users]
    times = [n // MEMBERS * DAY + n for n in range(N)]
    return make_decisions(times, users, [f"d{n:03}" for n in range(N)], profiles=profiles)


def filled(folder: Path, decisions: Decisions | None = None) -> EventLog:
    log = EventLog(folder / "events.db")
    log.append_events([{"event_id": "e", "user_id": "m3", "item_id": "t", "kind": "open", "timestamp": 7}])
    log.decisions.append(decided() if decisions is None else decisions)
    return log


@pytest.fixture
def log(tmp_path: Path) -> Iterable[EventLog]:
    with filled(tmp_path) as opened:
        yield opened


def kept(log: EventLog) -> dict[str, float]:
    """The keep probability of each decision that is there."""
    return {
        name: 1 / stands
        for batch in log.decisions.read(FOREVER)
        for name, stands in zip(batch.ids, batch.stands_for.tolist(), strict=True)
    }


def files(log: EventLog, folder: Path) -> list[tuple[str, bytes]]:
    return [(one.name, one.read_bytes()) for one in sorted((folder / "events.db.sealed").glob("decisions-*"))]


@pytest.mark.parametrize("sealed", [True, False])
def test_old_days_are_thinned_by_member_and_say_so(log: EventLog, sealed: bool):
    if sealed:
        log.seal(OLD)
    done = log.decisions.thin(OLD, 0.5)
    left = kept(log)
    assert done.removed == N - len(left) > 0
    assert (done.freed > 0) is True
    of_day = [{f"m{int(name[1:]) % MEMBERS}" for name in left if int(name[1:]) // MEMBERS == day} for day in range(4)]
    assert of_day[0] == of_day[1] == of_day[2], "of a member all old decisions stay or go"
    assert 10 <= len(of_day[0]) <= 30
    assert ("m0" in of_day[0]) == ("m1" in of_day[0]), "of an account too"
    assert len(of_day[3]) == MEMBERS, "the day that is not over is whole"
    assert {name: probability for name, probability in left.items() if probability < 1} == {
        name: 0.5 for name in left if int(name[1:]) < 3 * MEMBERS
    }
    assert log.read(FOREVER).height == 1, "events stay"


def test_what_is_kept_stands_for_all_that_was_made_and_the_log_says_so(log: EventLog):
    assert log.check() == (0, 0.0, 0)
    log.decisions.thin(OLD, 0.25)
    old = [int(name[1:]) for name, probability in kept(log).items() if probability < 1]
    latest = 2 * DAY + max(old)
    assert log.check() == log.decisions.thinned() == (len(old), 4.0 * len(old), latest)


def test_thinning_twice_is_thinning_once(log: EventLog, tmp_path: Path):
    first = log.decisions.thin(OLD, 0.3, seed=5)
    before = files(log, tmp_path)
    assert first.removed > 0
    assert log.decisions.thin(OLD, 0.3, seed=5) == (0, 0)
    assert log.decisions.thin(OLD, 0.9, seed=5) == (0, 0), "a larger share brings nothing back"
    assert files(log, tmp_path) == before


def test_a_smaller_share_keeps_a_part_of_what_a_larger_one_kept(log: EventLog, tmp_path: Path):
    log.decisions.thin(OLD, 0.5)
    half = set(kept(log))
    log.decisions.thin(OLD, 0.1)
    with filled(tmp_path / "other") as other:
        other.decisions.thin(OLD, 0.1)
        assert kept(other) == kept(log)
    assert set(kept(log)) < half
    assert min(kept(log).values()) == 0.1


def test_what_comes_late_for_a_thinned_day_is_thinned_the_next_time(log: EventLog):
    log.decisions.thin(OLD, 0.2)
    gone = sorted({f"d{n:03}" for n in range(MEMBERS)} - set(kept(log)))[0]
    late = make_decisions([8], [f"m{int(gone[1:])}"], ["late"])
    log.decisions.append(late)
    assert kept(log)["late"] == 1.0
    assert log.decisions.thin(OLD, 0.2).removed == 1
    assert "late" not in kept(log)


def test_nobody_known_is_drawn_decision_by_decision(tmp_path: Path):
    names = [f"d{n}" for n in range(60)]
    with filled(tmp_path, make_decisions(range(60), [""] * 60, names)) as log:
        log.decisions.thin(OLD, 0.5)
        assert 15 <= len(kept(log)) <= 45


def test_a_decision_that_is_gone_is_said_to_be(log: EventLog):
    log.decisions.thin(OLD, 0.1)
    gone = min({f"d{n:03}" for n in range(N)} - set(kept(log)))
    for ask in (log.decisions.get, log.decisions.record):
        with pytest.raises(NotFound, match="or the log was thinned"):
            ask(gone)
    member = f"m{int(gone[1:])}"
    assert [one.ids for one in log.decisions.of_member(member)] == [(f"d{3 * MEMBERS + int(gone[1:]):03}",)]
    stays = min(name for name, probability in kept(log).items() if probability < 1)
    assert log.decisions.record(stays)["keep_probability"] == 0.1
    assert log.decisions.get(stays).keep_probability == np.array([0.1])


def test_whose_decisions_are_gone_is_noted(log: EventLog, tmp_path: Path):
    log.decisions.thin(OLD, 0.1)
    with closing(sqlite3.connect(tmp_path / "events.db")) as connection:
        noted = connection.execute("SELECT coalesce(sum(n), 0) FROM sealed_members").fetchone()[0]
    assert noted == sum(probability < 1 for probability in kept(log).values())
    before = len(kept(log))
    assert log.delete_member("m2")["decisions"] == before - len(kept(log)) > 0


def test_a_rebuilt_log_is_as_thinned_as_it_was(tmp_path: Path):
    with filled(tmp_path) as log:
        log.decisions.thin(OLD, 0.3)
        before = kept(log)
    rebuild(tmp_path / "events.db")
    with EventLog(tmp_path / "events.db") as again:
        assert kept(again) == before
        assert again.check().decisions > 0


def test_another_seed_is_refused_and_changes_nothing(log: EventLog, tmp_path: Path):
    log.decisions.thin(OLD, 0.5, seed=1)
    before = files(log, tmp_path)
    with pytest.raises(BadRequest, match="kept by another seed than 2"):
        log.decisions.thin(OLD, 0.1, seed=2)
    assert files(log, tmp_path) == before


@pytest.mark.parametrize("keep", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(log: EventLog, keep: float):
    with pytest.raises(BadRequest, match=f"keep is {keep}; give a share above 0"):
        log.decisions.thin(OLD, keep)


def test_thinning_tells_how_far_it_is(log: EventLog):
    told: list[tuple[str, float]] = []
    log.decisions.thin(OLD, 0.5, progress=lambda what, done: told.append((what, round(done, 3))))
    assert told == [("day 1970-01-01", 0.0), ("day 1970-01-02", 0.333), ("day 1970-01-03", 0.667)]


def test_counts_are_unbiased_over_seeds():
    """A member has 4 decisions, so the count of 160 has the variance 16 (1 - p) / p for each of 40 draws
    (two share one: 64 (1 - p) / p); the mean of 400 seeds is within 4 of its standard errors: fails 1 in 16,000.
    """
    frame, keep, seeds = Columns.of(decided()).frame(), 0.2, 400
    counts = [(1 / thinned(frame, keep, seed)["keep_probability"]).sum() for seed in range(seeds)]
    deviation = np.sqrt((38 * 16 + 64) * (1 - keep) / keep)
    assert abs(np.mean(counts) - N) < 4 * deviation / np.sqrt(seeds)
    assert np.std(counts) == pytest.approx(deviation, rel=0.15)


def test_a_log_of_version_4_is_brought_to_today_with_all_that_it_held(tmp_path: Path):
    """Written by the code of that time: two sealed decisions, a live one."""
    with zipfile.ZipFile(Path(__file__).with_name("log_version_4.zip")) as old:
        old.extractall(tmp_path)
    for _ in range(2):
        with EventLog(tmp_path / "events.db") as log:
            assert log.check() == (0, 0.0, 0)
            assert kept(log) == {"sealed-ann": 1.0, "sealed-bob": 1.0, "live-ann": 1.0}
            assert not any(batch.thinned for batch in log.decisions.read(FOREVER))
            assert log.decisions.record("sealed-ann")["keep_probability"] == 1.0
    with EventLog(tmp_path / "events.db") as log:
        log.decisions.thin(OLD, 0.5)
        assert set(kept(log)) <= {"sealed-ann", "sealed-bob", "live-ann"}
        assert log.read(FOREVER)["event_id"].to_list() == ["e"]


def test_a_thinned_decision_logged_again_keeps_its_probability(tmp_path: Path):
    """Live as sealed: what is copied from one log to another still stands for as many."""
    frame = thinned(Columns.of(decided()).frame(), 0.5, 0)
    with EventLog(tmp_path / "one.db") as log:
        log.decisions.append(decided())
        log.decisions.thin(OLD, 0.5)
        batches = list(log.decisions.read(FOREVER))
    with EventLog(tmp_path / "two.db") as other:
        for batch in batches:
            other.decisions.append(batch)
        of_old = {name: probability for name, probability in kept(other).items() if probability < 1}
    old = frame.filter(pl.col("time") < 3 * DAY)
    assert of_old == dict.fromkeys(old["decision_id"], 0.5)
