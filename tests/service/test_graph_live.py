"""The transition graph over HTTP: nothing is learned anew, and each play of a session moves its next page on."""

from __future__ import annotations

import numpy as np
import pytest

from matinee.maths.calibration import Platt
from matinee.models.transition_graph import TransitionGraph
from matinee.models.transitions import TransitionConfig
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomePolicy
from matinee.testing import cyclic

CIRCLE = cyclic(120, length=6)  # after title i everybody turns to i + 1
FORWARDS = TransitionConfig(reach=1, backwards=0.0, hop=0.0, content=0.0, last=1, kappa=1e-6)


@pytest.fixture
def client(serve):
    graph = TransitionGraph(FORWARDS).fit(CIRCLE, np.random.default_rng(0))
    drawn = charts(CIRCLE.events, CIRCLE.catalog, CIRCLE.as_of)
    policy = HomePolicy("home-transition-graph", "unsaved", CIRCLE.catalog, graph, Platt(9.0, -5.0), drawn)
    return serve(catalog=CIRCLE.catalog, policies={"home": [("transition-graph", policy)]})


def watch(client, user: str, item: int) -> None:
    event = {"event_id": f"{user} {item}", "user_id": user, "kind": "play", "item_id": f"t{item}", "value": 1.0}
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1


def first_title(client, user: str) -> str:
    page = client.post("/v1/home", json={"user_id": user, "exploration": 0.0}).json()
    assert (page["policy_id"], page["fallback"]) == ("home-transition-graph", None)
    return page["rows"][0]["items"][0]["item_id"]


def test_each_play_of_a_session_moves_the_next_page_on(client):
    before = first_title(client, "eve")
    for item in (3, 4, 5):
        watch(client, "ada", item)
        assert first_title(client, "ada") == f"t{item + 1}"
    assert first_title(client, "eve") == before, "another member's plays are none of hers"
