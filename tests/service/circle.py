"""A service over a world in which everybody turns from title i to i + 1, and what a member does there."""

from __future__ import annotations

from matinee.decision import Scorer
from matinee.maths.calibration import Platt
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomePolicy
from matinee.testing import cyclic

CIRCLE = cyclic(120, length=6)


def home_of(name: str, scorer: Scorer, calibration: Platt) -> HomePolicy:
    """A home page of the circle."""
    drawn = charts(CIRCLE.events, CIRCLE.catalog, CIRCLE.as_of)
    return HomePolicy(f"home-{name}", "unsaved", CIRCLE.catalog, scorer, calibration, drawn)


def watch(client, user: str, item: int) -> None:
    event = {"event_id": f"{user} {item}", "user_id": user, "kind": "play", "item_id": f"t{item}", "value": 1.0}
    assert client.post("/v1/events", json={"events": [event]}).json()["accepted"] == 1


def first_title(client, user: str, policy: str) -> str:
    page = client.post("/v1/home", json={"user_id": user, "exploration": 0.0}).json()
    assert page["policy_id"] == policy
    assert page["fallback"] is None
    return page["rows"][0]["items"][0]["item_id"]
