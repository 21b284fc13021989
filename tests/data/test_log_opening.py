"""Opening a log: the right database beside the right sealed days, and no way to lose one of them."""

import logging
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from matinee.data.log import EventLog
from matinee.data.log.rebuild import rebuild
from matinee.errors import BadRequest, LogDamaged
from matinee.profile import Profile

DAY = 86_400_000_000
FOREVER = 2**62


def event(event_id: str, day: float = 0, user: str = "ann") -> dict:
    return {"event_id": event_id, "user_id": user, "item_id": "t1", "kind": "open", "timestamp": int(day * DAY)}


def ids(path: Path) -> list[str]:
    with EventLog(path) as log:
        log.check()
        return log.read(FOREVER)["event_id"].to_list()


def sealed(path: Path) -> list[str]:
    return sorted(place.name for place in path.with_name(path.name + ".sealed").glob("*.parquet"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of five events: "d" and "c" of one time and "b" are sealed, "a" and "z" are not."""
    path = tmp_path / "events.db"
    with EventLog(path) as log:
        log.append_events([event("d", 0.5), event("c", 0.5, "bob"), event("b", 1.5), event("a", 2.5), event("z", 2.5)])
        log.seal(date(1970, 1, 3))
        log.put_profile(Profile("ann", maturity_limit=7))
    return path


def spoil(path: Path) -> None:
    path.write_bytes(b"\xa5" * 4_096 + path.read_bytes()[4_096:])


def test_the_remedy_for_a_damaged_database_loses_no_sealed_day(path: Path):
    """What the error says is done, step by step."""
    files = sealed(path)
    spoil(path)
    with pytest.raises(LogDamaged, match="matinee log --rebuild"):
        EventLog(path)
    path.rename(path.with_name("away.db"))
    for _ in range(2):
        with pytest.raises(LogDamaged, match=r"2 sealed file\(s\) of a log, 1970-01-01 to 1970-01-02; .*--rebuild"):
            EventLog(path)
    assert sealed(path) == files
    assert rebuild(path).sealed_events == 3
    assert ids(path) == ["d", "c", "b"]
    with EventLog(path) as log:
        assert log.append_events([event("c", 0.5, "bob"), event("new", 0.5)]) == [False, True]
    assert ids(path) == ["d", "c", "new", "b"], "numbers of arrival go on behind those of the sealed days"


def test_a_damaged_database_is_put_aside_by_rebuilding_and_kept(path: Path):
    spoil(path)
    damaged = path.read_bytes()
    made = rebuild(path)
    assert (made.days, made.sealed_events, made.database_read) == (2, 3, False)
    assert made.old is not None
    assert made.old.read_bytes() == damaged
    assert ids(path) == ["d", "c", "b"]


def test_rebuilding_keeps_what_a_sound_database_holds(path: Path):
    made = rebuild(path)
    assert (made.sealed_events, made.live_events, made.profiles, made.database_read) == (3, 2, 1, True)
    assert ids(path) == ["d", "c", "b", "a", "z"]
    with EventLog(path) as log:
        assert log.profile("ann") == Profile("ann", maturity_limit=7)
        log.delete_member("ann")
    assert ids(path) == ["c"]


def test_another_logs_database_beside_sealed_days_is_refused(path: Path, tmp_path: Path):
    with EventLog(tmp_path / "other" / "events.db") as other:
        other.append_events([event("x")])
    shutil.copy(tmp_path / "other" / "events.db", path)
    files = sealed(path)
    with pytest.raises(LogDamaged, match="another log's database"):
        EventLog(path)
    assert sealed(path) == files
    assert not rebuild(path).database_read
    assert ids(path) == ["d", "c", "b"]


@pytest.mark.parametrize("changed", ["later days", "a replaced day"])
def test_an_older_backup_beside_newer_sealed_days_loses_nothing(path: Path, changed: str):
    shutil.copy(path, path.with_name("backup"))
    with EventLog(path) as log:
        log.append_events([event("e", 3.5), event("late", 0.5) if changed == "a replaced day" else event("f", 3.6)])
        log.seal(date(1970, 1, 6))
        expected = log.read(FOREVER)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(path.with_name("backup"), path)
    if changed == "a replaced day":
        with pytest.raises(LogDamaged, match="matinee log --rebuild"):
            EventLog(path)
    else:
        assert ids(path) == ["d", "c", "b", "a", "z"]
    made = rebuild(path)
    assert made.database_read
    with EventLog(path) as log:
        log.check()
        assert log.read(FOREVER).equals(expected)


def test_a_finished_file_that_the_log_does_not_know_is_put_aside_and_said(path: Path, caplog: pytest.LogCaptureFixture):
    folder = path.with_name("events.db.sealed")
    shutil.copy(folder / "1970-01-01.parquet", folder / "1970-02-03.parquet")
    (folder / "1970-02-04.parquet.draft").write_text("half")
    with caplog.at_level(logging.WARNING, "matinee.log"):
        assert ids(path) == ["d", "c", "b", "a", "z"]
    assert [line.message for line in caplog.records if "1970-02-03.parquet" in line.message]
    assert [place.name for place in (folder / "strays").iterdir()] == ["1970-02-03.parquet"]
    assert not list(folder.glob("*.draft"))
    with EventLog(path) as log:
        log.delete_member("ann")
    assert not [place for place in path.parent.rglob("*") if place.is_file() and b"ann" in place.read_bytes()]


def test_there_is_nothing_to_rebuild_from_without_sealed_days(tmp_path: Path):
    with pytest.raises(BadRequest, match="no sealed day"):
        rebuild(tmp_path / "events.db")


BEGINNER = """
import sys, time
from pathlib import Path
from matinee.data.log import EventLog

folder, me = Path(sys.argv[1]), sys.argv[2]
for trial in range(25):
    (folder / f"ready-{trial}-{me}").touch()
    while len(list(folder.glob(f"ready-{trial}-*"))) < 2:
        time.sleep(0)
    with EventLog(folder / str(trial) / "events.db") as log:
        log.append_events([{"event_id": me, "user_id": "u", "item_id": "t", "kind": "open", "timestamp": 1}])
"""


def test_two_first_starts_at_once_begin_one_log(tmp_path: Path):
    both = [subprocess.Popen([sys.executable, "-c", BEGINNER, str(tmp_path), me]) for me in "ab"]
    assert [one.wait() for one in both] == [0, 0]
    for trial in range(25):
        assert sorted(ids(tmp_path / str(trial) / "events.db")) == ["a", "b"]
        assert not list((tmp_path / str(trial)).glob("*.draft*"))


OPENER = """
import os, sys
from pathlib import Path
from matinee.data.log import EventLog
from matinee.errors import LogReadOnly

if os.getuid() == 0:
    os.setuid(65534)
try:
    EventLog(Path(sys.argv[1]))
except LogReadOnly as refused:
    print(refused)
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_may_not_be_written_is_not_called_damaged(there: bool):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.db"
        if there:
            EventLog(path).close()
            path.chmod(0o444)
        Path(folder).chmod(0o555)
        command = [sys.executable, "-c", OPENER, str(path)]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        Path(folder).chmod(0o755)
    assert "may not be written" in told.stdout, told.stderr
    assert "not damaged" in told.stdout
