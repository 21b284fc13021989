"""A billboard that learns while a service runs: from the log alone, kept by version, asked again from it."""

from __future__ import annotations

import fcntl
import shutil
import time
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from matinee.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.log import EventLog
from matinee.errors import ArtifactRefused, BadRequest, NotFound
from matinee.policies.layered import Layered
from matinee.recipes.audit import audit
from matinee.recipes.learner import KeptPosteriors, Learner, LearnerConfig, billboard_of, learn_from
from matinee.recipes.serving import SERVED, catalog_and_policies
from matinee.recipes.training import train_into
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.testing import make_events
from matinee.workspace import Workspace

MEMBERS, TITLES, PAGES = 20, 40, 30
LATER = 10**9  # microseconds after everything: a window of 60 seconds is over
CONFIG = LearnerConfig(window=60.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Workspace:
    place = Workspace(tmp_path_factory.mktemp("learning"))
    rng = np.random.default_rng(0)
    likes = [rng.permutation(TITLES)[:8].tolist() for _ in range(MEMBERS)]
    ids = [f"t{k}" for k in range(TITLES)]
    frame = pl.DataFrame({"item_id": ids, "title": ids, "genres": [[("Drama", "War")[k % 2]] for k in range(TITLES)]})
    place.bring_in(Dataset("likes", "made up", Catalog.from_frame(frame), {}, make_events(likes)))
    for name in (*SERVED, "factors"):
        train_into(place, name, np.random.default_rng(0))
    return place


@pytest.fixture
def place(trained, tmp_path) -> Workspace:
    shutil.copytree(trained.folder, tmp_path / "own")
    mine = Workspace(tmp_path / "own")
    mine.set_billboard("thompson")
    return mine


def live(client: TestClient, part: int) -> None:
    """Members ask for pages; half look at the billboard, half of these play it."""
    for turn in range(PAGES):
        user = f"m{turn % MEMBERS}"
        page = client.post("/v1/home", json={"user_id": user, "draw": turn + 100 * part}).json()
        item_id = page["rows"][0]["items"][0]["item_id"]
        now = datetime.now(UTC).isoformat()
        events = [
            {"event_id": f"{part}-{turn}-{kind}", "user_id": user, "kind": kind, "item_id": item_id, "value": 0.9,
             "timestamp": now, "decision_id": page["decision_id"], "row": 0, "column": 0}
            for kind in (("impression", "play") if turn % 4 == 0 else ("impression",) if turn % 2 else ())
        ]  # fmt: skip
        if events:
            assert client.post("/v1/events", json={"events": events}).json()["accepted"] == len(events)


def now() -> int:
    return round(time.time() * 1e6) + LATER


def served(place: Workspace, log: EventLog, learner: Learner) -> TestClient:
    catalog, policies = catalog_and_policies(place, log, learner=learner)
    return TestClient(create_app(Deployment(log, catalog, policies, secret=b"s", deadline=60.0)), "http://localhost")


def test_it_learns_from_the_log_and_every_page_is_asked_again_of_the_version_that_made_it(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            live(client, 0)
            assert learner.look(now()) == PAGES
            live(client, 1)
            assert learner.look(now()) == PAGES
            assert learner.look(now()) == 0
        assert learner.arms is not None
        assert learner.arms.posterior == 2
        makers = [(one.requests.times.min(), len(one), one.makers[1]) for one in log.decisions.read(2**62)]
        assert {maker.policy for _, _, maker in makers} == {"billboard-thompson"}
        assert [(n, maker.posterior) for _, n, maker in sorted(makers)] == [(PAGES, 0), (PAGES, 1)]
        learned = learner.arms._mind.posterior
        assert learned.products[:, 0].sum() == 2 * sum(turn % 4 == 0 or turn % 2 for turn in range(PAGES))
        assert learned.rewards[:, 0].sum() == pytest.approx(0.9 * 2 * sum(turn % 4 == 0 for turn in range(PAGES)))

        fresh = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        assert fresh.posterior == 2, "what was learned is there after a restart"
        shutil.rmtree(place.folder / "posteriors")
        replayed = billboard_of(place, Catalog.load(place.catalog_path), "thompson")
        learn_from(log, replayed, now(), CONFIG.window)
        for name in ("products", "rewards"):
            one, other = getattr(replayed._mind.posterior, name), getattr(learned, name)
            assert (one == other).all(), "a replay of the log left other sums"


def test_decisions_of_old_versions_pass_the_audit(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, CONFIG)
        with served(place, log, learner) as client:
            live(client, 0)
            learner.look(now())
            live(client, 1)
            learner.look(now())
    found = audit(place, 1_000)
    assert found.refused == {}
    assert found.asked == found.same == 2 * PAGES


def test_one_learns_and_the_other_takes_it_up(place):
    with EventLog(place.log_path) as log, EventLog(place.log_path) as second:
        one, other = Learner(place, log, CONFIG), Learner(place, second, CONFIG)
        with served(place, log, one) as client:
            live(client, 0)
        served(place, second, other)
        with (place.folder / ".learner").open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert one.look(now()) == 0
        assert one.look(now()) == PAGES
        assert other.look(now()) == 0, "the second learned again what the first had"
        assert other.arms is not None
        assert other.arms.posterior == one.arms.posterior == 1


def test_it_learns_by_itself_until_it_is_stopped(place):
    with EventLog(place.log_path) as log:
        learner = Learner(place, log, LearnerConfig(every=0.05, window=0.001))
        with served(place, log, learner) as client:
            live(client, 0)
            with learner.running():
                patience = time.monotonic() + 60
                while learner.arms.posterior == 0 and time.monotonic() < patience:
                    time.sleep(0.02)
        assert learner.arms.posterior > 0


def test_a_billboard_that_cannot_be_leaves_pages_as_they_are(place):
    for folder in (place.folder / "models").glob("factors-*"):
        shutil.rmtree(folder)
    said: list[str] = []
    with EventLog(place.log_path) as log:
        _, policies = catalog_and_policies(place, log, say=said.append)
    assert not any(isinstance(policy, Layered) for _, policy in policies["home"])
    assert "billboard thompson is left out" in said[-1]
    with pytest.raises(ArtifactRefused):
        billboard_of(place, Catalog.load(place.catalog_path), "thompson")
    with pytest.raises(BadRequest, match="no billboard"):
        billboard_of(place, Catalog.load(place.catalog_path), "nonsense")


def test_a_version_is_whole_or_not_there(place, tmp_path):
    arms = billboard_of(place, Catalog.load(place.catalog_path), "greedy")
    kept = KeptPosteriors(tmp_path / "versions", arms.config.prior)
    assert kept.latest is None
    (kept.folder / ".draft").mkdir(parents=True)
    (kept.folder / ".draft" / "rewards.npy").write_bytes(b"cut off")
    kept.keep(arms._mind.posterior)
    assert kept.versions == [0]
    with pytest.raises(NotFound, match="is gone"):
        kept.find(7)
    (kept.folder / "00000000" / "posterior.json").write_text("{")
    with pytest.raises(ArtifactRefused):
        kept.find(0)
