"""From impressions to pages: a workspace learns how it is looked at, and what was decided before stays."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from looked_at import World
from starlette.testclient import TestClient
from typer.testing import CliRunner

from matinee.catalog import Catalog
from matinee.cli import app
from matinee.data.dataset import Dataset, profiles_of
from matinee.data.from_decisions import Decided, by_log
from matinee.data.log import EventLog
from matinee.data.shown_choices import shown_choices
from matinee.decision import Requests
from matinee.events import DAY, END_OF_TIME, clean
from matinee.history import Histories
from matinee.models.artifacts.artifact import load_artifact
from matinee.models.debiased.autoencoder import DebiasedEase
from matinee.page import PHONE, WEB, Attention, Layouts
from matinee.profile import Profile
from matinee.recipes.audit import audit
from matinee.recipes.registry import SCORERS
from matinee.recipes.serving import SERVED, catalog_and_policies
from matinee.recipes.training import everything, train_into
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.situation import Context
from matinee.testing import make_catalog, make_events
from matinee.workspace import Workspace

TITLES, MEMBERS = 80, 120
PLANTED = Attention(0.6, 0.8, 0.5)
GENRES = [[("Drama", "Comedy", "War")[k % 3]] for k in range(TITLES)]


def place_in(folder) -> Workspace:
    place, rng = Workspace(folder), np.random.default_rng(0)
    likes = [rng.permutation(TITLES)[:6].tolist() for _ in range(MEMBERS)]
    events = make_events(likes)
    catalog = make_catalog(TITLES, genres=GENRES)
    place.bring_in(Dataset("likes", "made up", catalog, profiles_of(events), events))
    return place


def looked_at(place: Workspace, pages: int, device: str = "web") -> None:
    """Pages that members looked at in the last days, as the service would have logged them, and what they played."""
    rng = np.random.default_rng(1)
    world = World(np.linspace(2, -2, TITLES), np.linspace(0.5, 0.1, TITLES), MEMBERS, pages // MEMBERS + 1)
    made = world.decisions(rng, device)
    moved = replace(made.requests, times=made.requests.times - made.requests.times[0] + days_ago(4))
    decisions = replace(made, requests=moved).take(np.arange(pages))
    with EventLog(place.log_path) as log:
        log.decisions.append(decisions)
        log.import_events(world.answers(decisions, rng, PLANTED))


def days_ago(days: float) -> int:
    return time.time_ns() // 1_000 - round(days * DAY)


def manifest_of(place: Workspace, name: str = "popularity"):
    catalog = Catalog.load(place.catalog_path)
    return load_artifact(place.newest_artifact(name), SCORERS, catalog).manifest


def pages_of(place: Workspace) -> tuple[np.ndarray, ...]:
    """What the home page shows at a fixed seed in the layout that the service would take: items, worths, chances."""
    with EventLog(place.log_path) as log:
        _, policies = catalog_and_policies(place, log, exploration=0.3)
    policy = policies["home"][0][1]
    histories = Histories.of_items([[k, k + 1] for k in range(4)])
    requests = Requests.of_histories(histories, layout=policy.layouts.of("web"))
    decisions = policy.decide(requests, np.random.default_rng(3))
    return decisions.choices.actions, decisions.choices.scores, decisions.choices.log_probs


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    place = place_in(tmp_path_factory.mktemp("looked"))
    for name in SERVED:
        train_into(place, name, np.random.default_rng(0))
    return place


def test_pages_change_only_when_the_looks_are_enough(tmp_path):
    """Trained at the same seed: without a look, with impressions of 40 pages and with 600 pages."""
    place = place_in(tmp_path)

    def trained():
        for name in SERVED:
            train_into(place, name, np.random.default_rng(0))
        return pages_of(place)

    before = trained()
    rng = np.random.default_rng(1)
    world = World(np.linspace(2, -2, TITLES), np.zeros(TITLES), MEMBERS, 1)
    made = world.decisions(rng)
    few = replace(made, requests=replace(made.requests, times=days_ago(4) + np.arange(len(made)))).take(np.arange(40))
    with EventLog(place.log_path) as log:
        log.decisions.append(few)
        log.import_events(world.answers(few, rng, PLANTED))
    after = trained()
    for one, same in zip(before, after, strict=True):
        np.testing.assert_allclose(one, same, rtol=1e-6)
    said = dict(manifest_of(place).from_looks.words)
    assert said["attention, web"] == "prior: 40 pages of 40 members were looked at, needs 500 pages of 30"
    assert said["attention"] == "prior on tv, phone, tablet: no page was looked at"
    assert said["calibration"].startswith("prior: ")
    looked_at(place, 600, "phone")
    changed = trained()
    assert len(changed[1]) != len(before[1]) or not np.allclose(changed[1], before[1])


def test_the_whole_road(place):
    """Decide, log and look under the prior; train; the service lays out as was fitted; the old can be asked again."""
    with EventLog(place.log_path) as log:
        _, policies = catalog_and_policies(place, log, exploration=0.3)
        batch = 24
        requests = Requests.of_histories(
            Histories.empty(batch),
            np.full(batch, days_ago(5)),
            profiles=tuple(Profile(f"new{k}") for k in range(batch)),
            contexts=(Context(device="web"),) * batch,
            layout=Layouts().web,
        )
        requests = replace(requests, arrived=np.full(batch, log.arrived), exploration=0.3)
        old = policies["home"][0][1].decide(requests, np.random.default_rng(4))
        log.decisions.append(old)
    looked_at(place, 600)
    for name in SERVED:
        train_into(place, name, np.random.default_rng(0))
    fitted = manifest_of(place).from_looks
    assert fitted.attention["web"].fitted
    assert not fitted.attention["tv"].fitted
    assert fitted.calibration.fitted
    assert fitted.attention["web"].attention.row_decay == pytest.approx(PLANTED.row_decay, abs=0.06)
    assert manifest_of(place, "ease-recent").from_looks == fitted or fitted.layouts.web != WEB
    with EventLog(place.log_path) as log:

        def build():
            return catalog_and_policies(place, log, exploration=0.3)

        catalog, policies = build()
        deployment = Deployment(log, catalog, policies, deadline=60.0, reload=build)
        with TestClient(create_app(deployment), "http://localhost") as client:
            web, own, phone = (layout_of(client, **asked) for asked in ASKED)
    expected = fitted.attention["web"].attention
    assert web["attention"] == pytest.approx({one: getattr(expected, one) for one in web["attention"]})
    assert own["attention"] == web["attention"], "a layout of the client's own is looked at as its device is"
    assert (own["rows"], own["visible"]) == (3, 4)
    assert phone["attention"]["column_decay"] == PHONE.attention.column_decay
    found = audit(place, 1_000)
    served = [one for one in found.refused if "gone" not in one and "home'" not in one]
    assert found.same >= batch + len(ASKED), f"{found}, {served}"


ASKED = (
    {"context": {"device": "web"}},
    {"context": {"device": "web"}, "layout": {"rows": 3, "columns": 8, "visible": 4}},
    {"context": {"device": "phone"}},
)


def layout_of(client: TestClient, **asked) -> dict:
    page = client.post("/v1/home", json={"user_id": "m1", **asked}).json()
    return client.get(f"/v1/decisions/{page['decision_id']}").json()["layout"]


def test_training_says_it_in_words(place):
    done = CliRunner().invoke(app, ["train", "popularity", "--workspace", str(place.folder)])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "calibration" in said
    assert "prior on tv, phone, tablet: no page was looked at" in said


def test_a_debiased_model_takes_its_propensities_from_the_log(tmp_path):
    """First of likes that no decision explains; then of pages with known chances, which tell all but those likes."""
    place = place_in(tmp_path)
    before, _ = train_into(place, "debiased-ease", np.random.default_rng(0))
    said = dict(before.manifest.from_looks.words)["propensities"]
    assert (
        said == "720 pairs met: 0 found by search or link, 0 by logged decisions, 720 by popularity, for want of looks"
    )
    looked_at(place, 240)
    for going_on in (False, True):
        after, _ = train_into(place, "debiased-ease", np.random.default_rng(0), going_on=going_on, accept=True)
        told = after.manifest.from_looks.propensities
        assert (told.found, told.by) == (0, "counts of looks")
        assert told.pairs - 720 <= told.decided < told.pairs
    with EventLog(place.log_path) as log:
        data = everything(place, log, Catalog.load(place.catalog_path))
        known = by_log(Decided.of(map(shown_choices, ([one] for one in log.decisions.read(END_OF_TIME)))))
    model, request = DebiasedEase(propensities=known), Requests.of_histories(Histories.of_items([[1, 2]]))
    expected = model.fit(data, np.random.default_rng(0)).score(request)
    np.testing.assert_allclose(after.scorer.score(request), expected, rtol=1e-5)
    counted = DebiasedEase().fit(data, np.random.default_rng(0)).score(request)
    assert np.abs(counted - expected).max() > 1e-3
    assert "propensities" not in dict(
        train_into(place, "popularity", np.random.default_rng(0))[0].manifest.from_looks.words
    )


def test_an_artifact_without_looks_is_read_as_the_prior(place, tmp_path):
    """One that was written before artifacts said anything of looks."""
    path = place.newest_artifact("popularity") / "manifest.json"
    text = path.read_text()
    head, _, _ = text.partition(',\n "from_looks"')
    old = tmp_path / "old"
    old.mkdir()
    (old / "scorer").mkdir()
    for file in (path.parent / "scorer").iterdir():
        (old / "scorer" / file.name).write_bytes(file.read_bytes())
    (old / "manifest.json").write_text(head + "\n}")
    artifact = load_artifact(old, SCORERS, Catalog.load(place.catalog_path))
    assert artifact.manifest.from_looks.layouts == Layouts()
    assert artifact.manifest.from_looks.words == []


def test_impressions_of_an_unknown_page_teach_nothing(tmp_path):
    place = place_in(tmp_path)
    with EventLog(place.log_path) as log:
        strange = pl.DataFrame(
            {"event_id": ["x"], "user_id": ["m0"], "kind": ["impression"], "item_id": ["t1"],
             "timestamp": [days_ago(3) / 1e6], "decision_id": ["nowhere"], "row": [0], "column": [1]}
        )  # fmt: skip
        log.import_events(clean(strange)[0])
    artifact, _ = train_into(place, "popularity", np.random.default_rng(0))
    words = dict(artifact.manifest.from_looks.words)
    assert words["attention"] == "prior on web, tv, phone, tablet: no page was looked at"
