"""A policy that never ran, judged from the log of a real service; and what cannot be judged, in words."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from starlette.testclient import TestClient
from test_audit import MEMBERS, dataset
from typer.testing import CliRunner

from matinee.catalog import Catalog
from matinee.cli import app
from matinee.data.log import EventLog
from matinee.errors import ArtifactRefused, BadData, BadRequest
from matinee.recipes.hindsight import counterfactual
from matinee.recipes.serving import catalog_and_policies
from matinee.recipes.targets import target
from matinee.recipes.training import train_into
from matinee.report.counterfactual import verdict
from matinee.service.app import create_app
from matinee.service.deployment import Deployment
from matinee.workspace import Workspace

PAGES = 120
LAYOUT = {"rows": 2, "columns": 2, "visible": 2}


def serve(place: Workspace, exploration: float, pages: int = PAGES, seed: int = 0) -> None:
    """Members look at small pages and play every title whose number is even."""
    rng = np.random.default_rng(seed)
    with EventLog(place.log_path) as log:
        catalog, policies = catalog_and_policies(place, log, exploration=exploration)
        deployment = Deployment(log, catalog, policies, secret=b"hindsight", deadline=60.0)
        with TestClient(create_app(deployment), "http://localhost") as client:
            for turn in range(pages):
                body = {"user_id": f"m{rng.integers(MEMBERS)}", "draw": turn, "layout": LAYOUT}
                page = client.post("/v1/home", json=body).json()
                assert client.post("/v1/events", json={"events": plays(body["user_id"], page)}).status_code == 200


def plays(user_id: str, page: dict) -> list[dict]:
    shown = [(r, c, one["item_id"]) for r, row in enumerate(page["rows"]) for c, one in enumerate(row["items"])]
    return [
        {"event_id": f"{page['decision_id']}-{r}-{c}", "user_id": user_id, "kind": "play", "item_id": item_id,
         "value": 0.05 + 0.9 * (int(item_id[1:]) % 2 == 0), "decision_id": page["decision_id"], "row": r, "column": c,
         "timestamp": datetime.now(UTC).isoformat()}
        for r, c, item_id in shown
    ]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    place = Workspace(tmp_path_factory.mktemp("hindsight"))
    place.bring_in(dataset())
    for name in ("popularity", "ease-recent"):
        train_into(place, name, np.random.default_rng(0))
    serve(place, exploration=1.0)
    return place


def test_the_policy_that_served_is_the_same(place):
    found = counterfactual(place, "home:exploration=1")
    assert found.decisions == PAGES
    assert [one.name for one in found.parts] == ["first title", "whole page", "one by one"]
    assert {verdict(one) for one in found.parts} == {"the same in every decision"}
    assert found.parts[0].logged.value > 0
    assert found.notes == ()


@pytest.mark.parametrize("name", ["home", "home:exploration=0.5", "home:model=popularity", "uniform"])
def test_policies_that_never_ran_are_judged_by_their_weights(place, name):
    """A page that draws from the same rows is supported; uniform shows much that a row of eight titles never holds."""
    first = counterfactual(place, name).parts[0]
    assert 0 < first.effective <= PAGES
    assert first.estimates["SNIPS"] == pytest.approx(0.5, abs=0.5)
    assert ("DR" in first.estimates) == (name == "uniform")
    if name == "home:exploration=0.5":
        assert first.effective > 20
        assert first.lost < 0.5
    if name == "uniform":
        assert "of its choices are such as the log never makes" in verdict(first)


def test_the_best_page_is_met_as_often_as_its_probability_says(place):
    first = counterfactual(place, "home:exploration=0").parts[0]
    assert first.effective > 3
    assert first.estimates["IPS"] == pytest.approx(first.estimates["SNIPS"], abs=0.5)


def test_kept_parameters_and_artifacts_name_policies_too(place, tmp_path):
    kept = sorted((place.folder / "policies").glob("*.json"))
    digest = next(path for path in kept if json.loads(path.read_text()).get("policy") == "home-popularity")
    by_name = counterfactual(place, "home:model=popularity,exploration=1").parts
    assert str(counterfactual(place, digest.stem).parts) == str(by_name)
    assert target(place, Catalog.load(place.catalog_path), str(digest)).surface == "home"
    elsewhere = tmp_path / place.newest_artifact("popularity").name
    shutil.copytree(place.newest_artifact("popularity"), elsewhere)
    assert counterfactual(place, str(elsewhere)).parts[0].effective < PAGES


def test_a_model_that_knew_the_outcomes_is_said_to(place, tmp_path):
    copy = Workspace(shutil.copytree(place.folder, tmp_path / "later"))
    train_into(copy, "popularity", np.random.default_rng(1))
    found = counterfactual(copy, "home:model=popularity")
    assert f"{PAGES} of {PAGES} decisions were made before the model's last event" in found.notes[0]


def test_a_thinned_log_is_judged_by_what_it_kept(place, tmp_path):
    copy = Workspace(shutil.copytree(place.folder, tmp_path / "thinned"))
    with EventLog(copy.log_path) as log:
        log.decisions.thin(datetime.now(UTC).date() + timedelta(days=1), 0.5)
        kept = sum(len(one) for one in log.decisions.read(2**62))
    assert 0 < kept < PAGES
    whole, found = (counterfactual(one, "home:exploration=0.5") for one in (place, copy))
    assert found.decisions == kept
    assert f"The log was thinned: {kept:,} of these decisions count for about {2 * kept:,}." in found.notes
    assert found.parts[0].effective < whole.parts[0].effective
    assert {verdict(one) for one in counterfactual(copy, "home:exploration=1").parts} == {"the same in every decision"}


def test_a_log_without_chance_says_so(tmp_path):
    place = Workspace(tmp_path)
    place.bring_in(dataset())
    train_into(place, "popularity", np.random.default_rng(0))
    train_into(place, "ease-recent", np.random.default_rng(0))
    with pytest.raises(BadData, match="holds no decision of 'home' for a known member"):
        counterfactual(place, "uniform")
    serve(place, exploration=0.0, pages=5)
    assert "nothing was left to chance" in counterfactual(place, "home:model=popularity").parts[0].reason
    shutil.rmtree(place.folder / "policies")
    with pytest.raises(BadData, match=r"no decision of 'home' can be asked of 'home': 5 \(.*cannot be read"):
        counterfactual(place, "home")


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("nonsense", BadRequest, "names no policy"),
        ("home:model=nonsense", BadRequest, "is no model; choose from"),
        ("home:model=slim", ArtifactRefused, "matinee train slim"),
        ("home:colour=red", BadRequest, "no setting 'colour'"),
        ("home:exploration=2", BadRequest, "exploration is 2.0"),
        ("home:exploration=much", BadRequest, "exploration is 'much'"),
        ("similar", BadData, "no decision of 'similar'"),
    ],
)
def test_what_names_no_policy_is_refused_in_words(place, name, error, said):
    with pytest.raises(error, match=said):
        counterfactual(place, name)


def test_the_command_prints_draws_and_writes(place, tmp_path, monkeypatch):
    run = CliRunner()
    page = tmp_path / "r.html"
    asked = ["evaluate", "--policy", "home:exploration=0.5", "--workspace", str(place.folder)]
    found = run.invoke(app, [*asked, "--json", "--html", str(page), "--days", "2", "--since", "2020-01-01"])
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout.strip().splitlines()[-1])
    assert told["decisions"] == PAGES
    assert "First title" in found.stdout
    assert "instead of what was served on home" in page.read_text()
    both = run.invoke(app, ["evaluate", "file.csv", "--policy", "home"])
    assert both.exit_code == 2
