"""The machine's clock jumps: what was acknowledged counts, in the order in which it came, and nothing is hidden."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from service_fakes import small_catalog

from matinee.catalog import Catalog
from matinee.events import Kind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
HOUR, YEAR = 3_600.0, 365 * 86_400.0


class Hands:
    """A clock that a test may turn."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


def send(client, name: str, kind: str, item: str = "t0", **fields) -> dict:
    value = {"value": 1.0} if kind == "play" else {}
    event = {"event_id": name, "user_id": "ada", "kind": kind, "item_id": item, **value, **fields}
    return client.post("/v1/events", json={"events": [event]}).json()["results"][0]


def history(client):
    """What the policy was told of ada, from memory and again from the log."""
    service = client.app.state.service

    async def asked():
        return (await service.members.get("ada")).history.by(service.clock.now())

    live = client.portal.call(asked)
    service.members.forget("ada")
    fresh = client.portal.call(asked)
    assert live.items.tolist() == fresh.items.tolist()
    assert live.kinds.tolist() == fresh.kinds.tolist()
    return live


@pytest.mark.parametrize("jump", [-HOUR, -YEAR])
@pytest.mark.parametrize("in_memory", [True, False])
def test_a_clock_that_jumps_back_undoes_nothing(serve, hands, jump, in_memory):
    client = serve(clock=hands)
    client.post("/v1/home", json={"user_id": "ada"})
    send(client, "1", "thumbs_up")
    hands.now += jump
    assert history(client).tastes.items.tolist() == [0], "a like is forgotten until the clock has caught up"
    if not in_memory:
        client.app.state.service.members.forget("ada")
    send(client, "2", "dismiss")
    send(client, "3", "play", "t1")
    known = history(client)
    assert known.kinds.tolist() == [Kind.THUMBS_UP, Kind.DISMISS, Kind.PLAY]
    assert known.tastes.items.tolist() == [1], "the dismissal came later, so it is the latest word"
    assert (known.times < hands.now * 1e6).all()


def test_an_event_with_its_true_time_is_taken_while_the_clock_is_behind_and_after_it(serve, hands):
    client = serve(clock=hands)
    send(client, "1", "thumbs_up", timestamp=hands.now)
    hands.now -= HOUR
    assert send(client, "2", "dismiss", timestamp=NOON + 60)["status"] == "accepted"
    assert history(client).kinds.tolist() == [Kind.THUMBS_UP, Kind.DISMISS]
    hands.now += HOUR + 120
    assert send(client, "3", "play", "t1", timestamp=NOON + 90)["status"] == "accepted"
    assert history(client).items.tolist() == [0, 0, 1]
    assert send(client, "4", "dismiss", timestamp=NOON + 2 * HOUR)["status"] == "rejected"


def test_a_service_that_starts_behind_its_log_takes_what_it_would_have_taken_before(serve, hands):
    send(serve(clock=hands), "1", "thumbs_up")
    hands.now -= HOUR
    client = serve(clock=hands)
    assert send(client, "2", "dismiss", timestamp=NOON + 60)["status"] == "accepted"
    assert history(client).tastes.items.tolist() == []


def test_a_spike_forward_hides_nothing_when_it_is_over(serve, hands):
    client = serve(clock=hands)
    send(client, "1", "play", "t1")
    hands.now += YEAR
    send(client, "2", "thumbs_up", "t2")
    hands.now -= YEAR
    send(client, "3", "dismiss", "t2")
    send(client, "4", "play", "t3")
    known = history(client)
    assert known.items.tolist() == [1, 2, 2, 3]
    assert known.tastes.items.tolist() == [1, 3]
    assert np.isfinite(client.post("/v1/home", json={"user_id": "ada"}).json()["log_prob"])


def test_availability_follows_the_clock(serve, hands):
    titles = small_catalog(20).titles.with_columns(
        available_from=pl.lit(datetime.fromtimestamp(NOON + HOUR, UTC)).cast(pl.Datetime("us", "UTC"))
    )
    client = serve(catalog=Catalog.from_frame(pl.concat([small_catalog(10).titles, titles[10:]])), clock=hands)
    for jump, shown in ((0.0, 10), (2 * HOUR, 20), (-2 * HOUR, 10)):
        hands.now += jump
        page = client.post("/v1/home", json={"user_id": "ada"}).json()
        assert len({item["item_id"] for row in page["rows"] for item in row["items"]}) == shown
