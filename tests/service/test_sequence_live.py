"""The sequence model over HTTP: a play that is posted changes the very next page of that member."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from matinee.maths.calibration import Platt
from matinee.models.sequence import Reading, Sequence, SequenceConfig, Training
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomePolicy
from matinee.testing import cyclic

CIRCLE = cyclic(120, length=6)  # after title i everybody turns to i + 1
CONFIG = SequenceConfig(
    size=16,
    layers=1,
    heads=1,
    length=20,
    reading=Reading(context=False, time=False),
    training=Training(epochs=20, batch=32, rate=3e-2),
)


@pytest.fixture
def client(serve):
    scorer = Sequence(CONFIG).fit(CIRCLE, np.random.default_rng(0))
    drawn = charts(CIRCLE.events, CIRCLE.catalog, CIRCLE.as_of)
    policy = HomePolicy("home-sequence", "unsaved", CIRCLE.catalog, scorer, Platt(0.01, -5.0), drawn)
    return serve(catalog=CIRCLE.catalog, policies={"home": [("sequence", policy)]})


def watch(client, user: str, item: int) -> None:
    event = {"event_id": f"{user} {item}", "user_id": user, "kind": "play", "item_id": f"t{item}", "value": 1.0}
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1


def first_title(client, user: str) -> str:
    page = client.post("/v1/home", json={"user_id": user, "exploration": 0.0}).json()
    assert page["policy_id"] == "home-sequence"
    assert page["fallback"] is None
    return page["rows"][0]["items"][0]["item_id"]


def test_each_play_moves_the_next_page_on(client):
    for item in (3, 4):
        watch(client, "ada", item)
    for item in (5, 6, 7):
        assert first_title(client, "ada") == f"t{item}"
        watch(client, "ada", item)
    before = first_title(client, "eve")
    watch(client, "ada", 8)
    assert first_title(client, "eve") == before, "another member's play is none of hers"
