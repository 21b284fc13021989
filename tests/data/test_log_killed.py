"""The log under SIGKILL: what was acknowledged is there, once, twenty times in a row on the same files."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from matinee.data.log import EventLog

WRITER = """
import sys, threading
from datetime import date
from pathlib import Path
from matinee.data.log import EventLog

log, run = EventLog(Path(sys.argv[1])), sys.argv[2]
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
        log.append_decisions([{"decision_id": f"d-{names[0]}", "user_id": f"m{thread}", "time": batch,
                               "surface": "home", "policy_id": "p", "cell": "", "rows": []}])
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
    log.delete_member(f"gone{run}")
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
                assert log.decision(f"d-{batch[0]}")["decision_id"] == f"d-{batch[0]}"
    assert len(acknowledged) >= 20
