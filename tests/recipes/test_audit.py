"""Decisions can be asked again: from the log and the artifacts alone, whatever happened since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from matinee.catalog import Catalog
from matinee.data.asked import as_asked
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.decision import Layer
from matinee.errors import BadData
from matinee.recipes.audit import audit
from matinee.recipes.serving import SERVED, catalog_and_policies
from matinee.recipes.training import train_into
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.testing import make_events
from matinee.workspace import Workspace

MEMBERS, TITLES = 40, 60
MADE_A_PART = 60 + 9 + 9 + 2 * 9 + 9  # home pages, similar titles, answers to queries, suggestions, pages for two


def genres(n: int) -> list[list[str]]:
    return [[("Drama", "Comedy", "War")[k % 3], ("Sad", "Loud")[k % 2]] for k in range(n)]


def dataset(n: int = TITLES) -> Dataset:
    """With more titles than at first, the first ten are of a genre of their own, which comes before all others."""
    rng = np.random.default_rng(0)
    likes = [rng.permutation(TITLES)[:12].tolist() for _ in range(MEMBERS)]
    catalog = pl.DataFrame({"item_id": [f"t{k}" for k in range(n)], "title": [f"t{k}" for k in range(n)]})
    known = genres(TITLES) if n == TITLES else [["Abstract"]] * 10 + genres(TITLES)[10:]
    frame = catalog.with_columns(pl.Series("genres", known + [["Action"]] * (n - TITLES)))
    return Dataset("likes", "made up", Catalog.from_frame(frame), {}, make_events(likes))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    """A workspace whose service made pages while members acted, some late, profiles changed, titles and models came,
    and titles changed.
    """
    place = Workspace(tmp_path_factory.mktemp("audited"))
    place.bring_in(dataset())
    for name in SERVED:
        train_into(place, name, np.random.default_rng(0))
    with EventLog(place.log_path) as log:

        def build():
            return catalog_and_policies(place, log, exploration=0.3)

        catalog, policies = build()
        deployment = Deployment(log, catalog, policies, secret=b"audit", deadline=60.0, reload=build)
        with TestClient(create_app(deployment), "http://localhost") as client:
            live(client, 0)
            place.bring_in(dataset(TITLES + 5))  # their genre comes before most others
            train_into(place, "ease-recent", np.random.default_rng(1))
            assert client.post("/v1/artifacts/reload", headers={"content-type": "application/json"}).status_code == 200
            live(client, 1)
    return place


def live(client: TestClient, part: int) -> None:
    rng, now = np.random.default_rng(part), datetime.now(UTC)
    for turn in range(60):
        user = f"m{rng.integers(MEMBERS)}"
        page = client.post(
            "/v1/home", json={"user_id": user, "draw": turn, "context": {"device": "tv", "country": "DK"}}
        )
        assert page.status_code == 200, page.text
        late = now - timedelta(hours=float(rng.integers(0, 200)))  # an offline device tells of it only now
        events = [
            {"event_id": f"{part}-{turn}-{k}", "user_id": user, "kind": kind, "item_id": f"t{rng.integers(TITLES)}",
             "value": 0.7, "timestamp": late.isoformat()}
            for k, kind in enumerate(("play", "thumbs_up", "dismiss"))
        ]  # fmt: skip
        assert client.post("/v1/events", json={"events": events}).json()["accepted"] == 3
        if turn % 10 == 0:
            body = {"blocked_genres": ["War"], "country": "SE"}
            assert client.put(f"/v1/profiles/{user}", json=body).status_code == 200
        if turn % 7 == 0:
            assert client.post("/v1/similar", json={"item_id": "t3", "user_id": user}).status_code == 200
            assert client.post("/v1/search", json={"query": f"t{turn % 4}", "user_id": user}).status_code == 200
            first = client.post("/v1/play_something", json={"user_id": user}).json()["decision_id"]
            body = {"user_id": user, "after": first, "answer": ("skip", "lighter", "more_like")[turn % 3]}
            assert client.post("/v1/play_something", json=body).status_code == 200
            both = {"user_id": user, "with": [f"m{(int(user[1:]) + 1) % MEMBERS}"], "draw": turn}
            assert_for_whom(client.post("/v1/together", json=both).json())


def assert_for_whom(page: dict) -> None:
    """The page says whom titles are for, by name, and why."""
    told = [item for row in page["rows"] for item in row["items"] if item["whom"]]
    assert {len(item["whom"]) for item in told} >= {2}, "some titles are for both"
    for item in told:
        words = [f"{one['user_id']}, because of {one['because']}" for one in item["whom"] if one["because"]]
        assert item["reason"].startswith("For ")
        assert all(one in item["reason"] for one in words)


def test_every_decision_gives_back_what_was_logged(place):
    found = audit(place, 1_000)
    assert found.refused == {}
    assert found.asked == found.same == 2 * MADE_A_PART
    assert found.worst <= 1e-6
    with EventLog(place.log_path) as log:
        batches = list(log.decisions.read(2**62))
        made = sum(len(batch.choices.actions) for batch in batches)
        homes = sum(len(batch) for batch in batches if batch.requests.surface == "home")
    assert sum(batch.layer(Layer.ART).sum() for batch in batches) == homes, "each billboard has a picture"
    assert len(found.differences) == made, "each choice is compared"


def test_an_artifact_that_is_gone_is_named(place, tmp_path):
    oldest = next(path for path in place.artifacts() if path.name.startswith("ease-recent"))
    oldest.rename(tmp_path / "away")
    found = audit(place, 1_000)
    (tmp_path / "away").rename(oldest)
    assert found.same == MADE_A_PART
    assert sum(found.refused.values()) == MADE_A_PART
    assert all(why.endswith("is gone") for why in found.refused)


def test_a_network_is_asked_on_one_thread_as_it_served(place):
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    audit(place, 1)
    found = torch.get_num_threads()
    torch.set_num_threads(before)
    assert found == 1, "on two its sums round differently: 4.6e-6 of a log-probability were measured"


def test_a_history_that_is_not_the_one_seen_is_refused(place):
    with EventLog(place.log_path) as log:
        logged = list(log.decisions.read(2**62))[-1]
        catalog, requests = Catalog.load(place.catalog_path), logged.requests
        assert as_asked(logged, log, catalog).requests.digests.tolist() == requests.digests.tolist()
        fewer = replace(requests, arrived=requests.arrived - MEMBERS * 12)
        with pytest.raises(BadData, match="not the one it saw"):
            as_asked(replace(logged, requests=fewer), log, catalog)
