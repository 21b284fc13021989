"""A service whose log has no room says so, refuses what it cannot keep, and recovers by itself."""

import logging
import resource

import pytest
from starlette.testclient import TestClient

EVENT = {"user_id": "u1", "item_id": "t0", "kind": "open"}


def test_a_full_disk_is_507_unready_and_one_line(client: TestClient, caplog: pytest.LogCaptureFixture):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with caplog.at_level(logging.INFO, "matinee.log"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
        try:
            for n in range(3):
                events = {"events": [{**EVENT, "event_id": f"e{n}"}]}
                refused = client.post("/v1/events", json=events)
                assert (refused.status_code, refused.json()["error"]) == (507, "log_full")
                assert client.post("/v1/home", json={"user_id": "u1"}).status_code == 507
                ready = client.get("/health/ready")
                assert (ready.status_code, "no room" in ready.json()["message"]) == (503, True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert client.get("/health/ready").json() == {"status": "ready"}
    assert client.post("/v1/events", json=events).json()["accepted"] == 1
    assert [line.levelname for line in caplog.records] == ["ERROR", "INFO"]
