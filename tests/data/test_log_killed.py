"""The log under SIGKILL: what was acknowledged is there, once, twenty times in a row on the same files."""

import random
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import orjson
import pytest

from matinee.data.log import EventLog
from matinee.testing import make_decisions

DAY = 86_400_000_000
WRITER = """
import sys, threading
from datetime import date
from pathlib import Path
from matinee.data.log import EventLog
from matinee.testing import make_decisions

log, run, turn = EventLog(Path(sys.argv[1])), sys.argv[2], 0
lock = threading.Lock()

def write(thread):
    batch = 0
    while True:
        names = [f"{run}-{thread}-{batch}-{n}" for n in range(7)]
        day = 86_400_000_000 * (batch % 5)
        rows = [
            {"event_id": name, "user_id": f"m{thread}", "item_id": "t", "kind": "open", "timestamp": day + batch}
            for name in names
        ]
        new = log.append_events(rows)
        log.decisions.append(make_decisions([day + batch], [f"m{thread}"], [f"d-{names[0]}"]))
        assert all(new)
        with lock:
            sys.stdout.write(" ".join(names) + "\\n")
            sys.stdout.flush()
        batch += 1

threads = [threading.Thread(target=write, args=(n,), daemon=True) for n in range(4)]
for one in threads:
    one.start()
while True:
    log.seal(date(1970, 1, 4))
    log.append_events([{"event_id": f"{run}-gone-{n}", "user_id": f"gone{run}", "item_id": "t", "kind": "open",
                        "timestamp": 86_400_000_000 * (n % 5)} for n in range(70)])
    names = [f"{run}-gone-{turn}-{n}" for n in range(1_200)]  # enough of them to make a file at once
    log.decisions.append(make_decisions([n % 2 for n in range(1_200)], [f"gone{run}", "stays"] * 600, names))
    log.delete_member(f"gone{run}")
    turn += 1
"""


@pytest.mark.slow
def test_what_was_acknowledged_survives_twenty_kills(tmp_path: Path):
    """Four threads write while a fifth seals and deletes; each run is killed at a random moment of its writing."""
    path, rng, acknowledged = tmp_path / "events.db", random.Random(5), []
    for run in range(20):
        command = [sys.executable, "-c", WRITER, str(path), str(run)]
        with (tmp_path / "acknowledged").open("w+") as said:
            child = subprocess.Popen(command, stdout=said)
            while (tmp_path / "acknowledged").stat().st_size == 0 and child.poll() is None:
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.4))
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
        lines = (tmp_path / "acknowledged").read_text().splitlines(keepends=True)
        acknowledged += [line.split() for line in lines if line.endswith("\n")]
        with EventLog(path) as log:
            log.check()
            events = log.read(2**62)
            going = events.filter(events["user_id"].str.starts_with("gone"))["user_id"].value_counts()
            assert set(going["count"]) <= {70}, "a deletion that was begun is not finished"
            stored = events.filter(~events["user_id"].str.starts_with("gone"))["event_id"].to_list()
            present = set(stored)
            assert len(present) == len(stored), "an event is there twice"
            assert all(name in present for batch in acknowledged for name in batch), "an acknowledged event is lost"
            assert len(stored) % 7 == 0, "a batch is there in part"
            for batch in acknowledged[-20:]:
                assert log.decisions.get(f"d-{batch[0]}").ids == (f"d-{batch[0]}",)
            decided = [
                one for made in log.decisions.read(2**62) for one in zip(made.ids, made.requests.user_ids, strict=True)
            ]
            assert len(decided) == len({name for name, _ in decided}), "a decision is there twice"
            counts = Counter(user for _, user in decided)
            assert counts["stays"] % 600 == 0, "a batch of decisions is there in part"
            gone = {count for user, count in counts.items() if user.startswith("gone")}
            assert gone <= {600}, "a deletion that was begun is not finished"
    assert len(acknowledged) >= 20


MIGRATE = """
import sys
from pathlib import Path
from matinee.data.log import EventLog
EventLog(Path(sys.argv[1])).close()
"""


@pytest.mark.slow
def test_a_migration_that_is_cut_off_begins_again_and_loses_nothing(tmp_path: Path):
    """Version 2 is brought to today's by processes killed ever later, until one has done it."""
    with zipfile.ZipFile(Path(__file__).with_name("log_version_2.zip")) as old:
        old.extractall(tmp_path)
    killed, wait = 0, 0.0
    while True:
        child = subprocess.Popen([sys.executable, "-c", MIGRATE, str(tmp_path / "events.db")])
        try:
            assert child.wait(wait) == 0
            break
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            killed, wait = killed + 1, wait + 0.15
    assert killed >= 1
    records = orjson.loads((tmp_path / "decisions.json").read_bytes())
    with EventLog(tmp_path / "events.db") as log:
        log.check()
        assert log.read(2**62).height == 7
        found = {one for made in log.decisions.read(2**62) for one in made.ids}
    assert found == {one["decision_id"] for one in records}


THIN = """
import sys
from datetime import date
from pathlib import Path
from matinee.data.log import EventLog
with EventLog(Path(sys.argv[1])) as log:
    print("begun", flush=True)
    log.decisions.thin(date(1970, 3, 1), 0.3)
    print("done", flush=True)
"""


@pytest.mark.slow
def test_thinning_that_is_cut_off_goes_on_and_loses_nothing_more(tmp_path: Path):
    """28 days are thinned by processes killed ever later, until one has done it."""
    path, names = tmp_path / "events.db", [f"d{n}" for n in range(28 * 20)]
    decided = make_decisions([n // 20 * DAY for n in range(28 * 20)], [f"m{n % 20}" for n in range(28 * 20)], names)
    with EventLog(path) as log:
        log.decisions.append(decided)
    with EventLog(tmp_path / "other" / "events.db") as other:
        other.decisions.append(decided)
        other.decisions.thin(date(1970, 3, 1), 0.3)
        expected = {one for made in other.decisions.read(2**62) for one in made.ids}
    said, wait, killed = "", 0.0, 0
    while "done" not in said:
        child = subprocess.Popen([sys.executable, "-c", THIN, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = child.stdout.readline()
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        said += child.stdout.read()
        child.wait()
        with EventLog(path) as log:
            log.check()
            found = {
                one: round(1 / n, 9)
                for made in log.decisions.read(2**62)
                for one, n in zip(made.ids, made.stands_for, strict=True)
            }
        days = {int(one[1:]) // 20: keep for one, keep in found.items() if keep < 1}
        assert set(days.values()) <= {0.3}
        thinned = {one for one in names if int(one[1:]) // 20 in days}
        assert set(found) == set(names) - (thinned - expected), "a day is whole or thinned"
        killed, wait = killed + 1, wait + 0.3
    assert killed >= 2
    assert set(found) == expected
