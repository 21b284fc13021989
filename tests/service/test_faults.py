"""The server is killed in mid-write, again and again: what it acknowledged is there, once, and nothing else is."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from matinee.data.log import EventLog

KILLS = 20
WRITERS = 4
HERE = Path(__file__).parent
NEVER = 2**62


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


class Server:
    """The service in a process of its own."""

    def __init__(self, path: Path) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([sys.executable, "serve_fake.py", str(path), str(port), "40"], cwd=HERE)
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if httpx.get(f"{self.address}/health/live").status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process.poll() is None, "the server ended before it served"
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Writer(threading.Thread):
    """Sends batches and asks for pages until the connection breaks; remembers what was acknowledged."""

    def __init__(self, address: str, name: str, again: list[dict]) -> None:
        super().__init__(daemon=True)
        self.address, self.label, self.again = address, name, again
        self.events: list[str] = []
        self.decisions: list[str] = []
        self.unsure: list[dict] = []

    def run(self) -> None:
        try:
            with httpx.Client(base_url=self.address, timeout=5) as client:
                for n in range(100_000):
                    batch = self.again if n == 0 and self.again else self._batch(n)
                    self.unsure = batch
                    results = client.post("/v1/events", json={"events": batch}).json()["results"]
                    assert all(one["status"] in ("accepted", "duplicate") for one in results)
                    self.events += [one["event_id"] for one in batch]
                    self.unsure = []
                    page = client.post("/v1/home", json={"user_id": self.label, "explain": False})
                    self.decisions.append(page.json()["decision_id"])
        except httpx.TransportError:
            return

    def _batch(self, n: int) -> list[dict]:
        return [
            {
                "event_id": f"{self.label}:{n}:{k}",
                "user_id": f"{self.label}",
                "kind": "play",
                "item_id": f"t{k}",
                "value": 0.5,
            }
            for k in range(7)
        ]


@pytest.mark.slow
def test_twenty_kills_in_mid_write_lose_nothing_that_was_acknowledged(tmp_path):
    path, rng = tmp_path / "log.db", random.Random(11)
    events: list[str] = []
    decisions: list[str] = []
    again: list[list[dict]] = [[] for _ in range(WRITERS)]
    for kill in range(KILLS):
        server = Server(path)
        writers = [Writer(server.address, f"k{kill}w{w}", again[w]) for w in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(rng.uniform(0.15, 0.6))
        server.kill()
        for writer in writers:
            writer.join(20)
            events += writer.events
            decisions += writer.decisions
        again = [writer.unsure for writer in writers]
    with EventLog(path) as log:
        log.check()
        stored = log.read(NEVER)["event_id"].to_list()
        logged = [one for batch in log.decisions.read(NEVER) for one in batch.ids]
    assert len(events) > KILLS * WRITERS * 7, "the writers hardly wrote: the kills came before the writing"
    assert len(stored) == len(set(stored))
    assert set(events) <= set(stored)
    assert len(logged) == len(set(logged))
    assert set(decisions) <= set(logged)
    resent = {event["event_id"] for batch in again for event in batch}
    assert all(one in resent or one in set(events) for one in set(stored)), "something was stored that nobody sent"
